#pragma once

namespace hpml {

/// hpml_prepare train-vocab: make a vocabulary from a corpus. @param arguments  without the word
/// itself @return the process's exit code
[[nodiscard]] int train_vocabulary_program(int count, char** arguments);

}  // namespace hpml
