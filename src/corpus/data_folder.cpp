#include "corpus/data_folder.h"

#include <string>

#include "base/error.h"

namespace hpml::corpus {

text::Vocabulary read_vocabulary(const std::filesystem::path& data, const Manifest& manifest) {
    const std::filesystem::path path = data / "vocab.txt";
    text::Vocabulary vocabulary(path);
    check_vocabulary(vocabulary, path, manifest);
    return vocabulary;
}

void check_vocabulary(const text::Vocabulary& vocabulary, const std::filesystem::path& path,
                      const Manifest& manifest) {
    if (vocabulary.hash() != manifest.vocabulary_hash ||
        vocabulary.size() != manifest.vocabulary_size) {
        throw InputError("vocabulary " + path.string() + " has " +
                         std::to_string(vocabulary.size()) + " tokens and hash " +
                         vocabulary.hash().hex() + ", the corpus was made with one of " +
                         std::to_string(manifest.vocabulary_size) + " tokens and hash " +
                         manifest.vocabulary_hash.hex() +
                         " (its ids would mean other words); run hpml_prepare again with this "
                         "vocabulary or take the other");
    }
}

}  // namespace hpml::corpus
