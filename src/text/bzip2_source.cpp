#include "text/bzip2_blocks.h"

namespace hpml::text {

namespace {

class Bzip2Source final : public ByteSource {
  public:
    explicit Bzip2Source(const std::filesystem::path& path)
        : ByteSource(path), blocks_(path, FilePart{}) {}

    [[nodiscard]] std::size_t read(std::span<char> bytes) override {
        for (;;) {
            const std::size_t got = blocks_.read(bytes);
            if (got > 0 || !blocks_.next()) {
                return got;
            }
        }
    }
    [[nodiscard]] std::uint64_t offset() const override { return blocks_.begin(); }

  private:
    Bzip2Blocks blocks_;
};

}  // namespace

std::unique_ptr<ByteSource> open_bzip2(const std::filesystem::path& path) {
    return std::make_unique<Bzip2Source>(path);
}

}  // namespace hpml::text
