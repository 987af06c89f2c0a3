#pragma once

namespace hpml::text {

/// What BERT's normaliser does with capitals and accents.
enum class LetterCase { Keep, Lower };

}  // namespace hpml::text
