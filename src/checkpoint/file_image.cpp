#include "checkpoint/file_image.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "model/safetensors.h"

namespace hpml::checkpoint {

namespace {

constexpr std::uint64_t kSmallestPiece = std::uint64_t{64} << 10U;
constexpr std::uint64_t kLargestPiece = std::uint64_t{32} << 20U;
/// Pieces of a file that is not so large that this would make them larger than kLargestPiece:
/// enough to share out over the ranks of some nodes.
constexpr std::uint64_t kPieces = 64;

Source::Numbers numbers_of(at::ScalarType type) {
    switch (type) {
        case at::kFloat:
            return Source::Numbers::Float32;
        case at::kBFloat16:
            return Source::Numbers::BFloat16;
        default:
            return Source::Numbers::None;
    }
}

std::vector<model::TensorHead> heads_of(const std::vector<TensorPart>& tensors) {
    std::vector<model::TensorHead> heads;
    heads.reserve(tensors.size());
    for (const TensorPart& part : tensors) {
        heads.push_back({part.name, part.tensor.scalar_type(),
                         part.place ? part.place->shape : part.tensor.sizes().vec()});
    }
    return heads;
}

/// Cut `range` at the multiples of `size`.
void cut(Range range, std::uint64_t size, std::vector<Range>& into) {
    while (range.begin < range.end) {
        const std::uint64_t next = std::min((range.begin / size + 1) * size, range.end);
        into.push_back({range.begin, next});
        range.begin = next;
    }
}

}  // namespace

std::uint64_t piece_size(std::uint64_t file_bytes) {
    const std::uint64_t even =
        (file_bytes / kPieces + kSmallestPiece - 1) / kSmallestPiece * kSmallestPiece;
    return std::clamp(even, kSmallestPiece, kLargestPiece);
}

FileImage::FileImage(std::string name, const std::vector<TensorPart>& tensors)
    : name_(std::move(name)) {
    const auto layout = model::safetensors_layout(heads_of(tensors));
    head_ = layout.head;
    bytes_ = layout.bytes;
    names_.reserve(tensors.size());
    stretches_.push_back(
        {{0, head_.size()}, {std::as_bytes(std::span(head_.data(), head_.size()))}, false});
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        const TensorPart& part = tensors[i];
        is_in_parts_ = is_in_parts_ || part.place.has_value();
        keep_.push_back(part.tensor.detach().cpu().contiguous());
        names_.push_back(part.name);
        const at::Tensor& values = keep_.back();
        const auto size = static_cast<std::uint64_t>(values.nbytes());
        const auto first =
            static_cast<std::uint64_t>(part.place ? part.place->first : 0) * values.element_size();
        const std::uint64_t begin = layout.begin[i] + first;
        if (size > 0) {
            const auto* data = static_cast<const std::byte*>(values.const_data_ptr());
            stretches_.push_back(
                {{begin, begin + size},
                 {std::span(data, size), numbers_of(values.scalar_type()), names_.back()},
                 part.place.has_value()});
        }
    }
    std::sort(stretches_.begin(), stretches_.end(),
              [](const Stretch& a, const Stretch& b) { return a.range.begin < b.range.begin; });
}

std::vector<Range> FileImage::pieces(Share share) const {
    std::vector<Range> pieces;
    const std::uint64_t size = piece_size(bytes_);
    if (!is_in_parts_) {
        cut({0, bytes_}, size, pieces);
        return pieces;
    }
    Range run;
    for (const Stretch& stretch : stretches_) {
        if (!stretch.is_own && share.index != 0) {
            continue;
        }
        if (stretch.range.begin == run.end) {
            run.end = stretch.range.end;
            continue;
        }
        cut(run, size, pieces);
        run = stretch.range;
    }
    cut(run, size, pieces);
    return pieces;
}

std::vector<Source> FileImage::sources(Range range) const {
    std::vector<Source> sources;
    auto next = std::upper_bound(stretches_.begin(), stretches_.end(), range.begin,
                                 [](std::uint64_t position, const Stretch& stretch) {
                                     return position < stretch.range.end;
                                 });
    for (; range.begin < range.end; ++next) {
        expects(next != stretches_.end() && next->range.begin <= range.begin,
                "a piece whose bytes are here");
        const std::uint64_t end = std::min(range.end, next->range.end);
        sources.push_back(
            {next->source.bytes.subspan(range.begin - next->range.begin, end - range.begin),
             next->source.numbers, next->source.name});
        range.begin = end;
    }
    return sources;
}

}  // namespace hpml::checkpoint
