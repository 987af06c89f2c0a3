#include "corpus/sample_source.h"

#include "base/error.h"
#include "corpus/masked_samples.h"
#include "corpus/shard_samples.h"

namespace hpml::corpus {

std::unique_ptr<SampleSource> open_samples(const std::filesystem::path& data,
                                           const Manifest& manifest, Split split,
                                           const LoaderOptions& options) {
    std::unique_ptr<SampleSource> samples;
    if (manifest.kind == CorpusKind::MaskedRows) {
        samples = std::make_unique<MaskedSamples>(data, manifest, split, options);
    } else {
        samples = std::make_unique<ShardSamples>(data, manifest, split, options);
    }
    if (split == Split::Train && samples->rows() == 0) {
        throw InputError(data.string() +
                         " has no training rows (nothing to learn from); run hpml_prepare with "
                         "more text or a smaller validation fraction");
    }
    return samples;
}

}  // namespace hpml::corpus
