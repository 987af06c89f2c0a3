#include <utility>

#include "text/document_readers.h"
#include "text/wikitext/cleaner.h"

namespace hpml::text {

namespace {

class DumpReader final : public DocumentReader {
  public:
    DumpReader(DumpPages pages, const WikiSite& site) : pages_(std::move(pages)), cleaner_(site) {}

    [[nodiscard]] bool next(Document& document) override {
        document.text.clear();
        document.is_cut = false;
        while (pages_.next(page_)) {
            if (is_article()) {
                cleaner_.clean(page_.text, document.text);
                document.is_cut = page_.is_cut;
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] DropCounts dropped() const override { return dropped_; }

  private:
    [[nodiscard]] bool is_article() {
        if (page_.namespace_number != 0) {
            return drop(Drop::OtherNamespace);
        }
        if (page_.is_redirect) {
            return drop(Drop::Redirect);
        }
        if (!page_.has_text) {
            return drop(Drop::NoRevision);
        }
        return page_.is_wikitext || drop(Drop::OtherModel);
    }
    bool drop(Drop reason) {
        ++dropped_[static_cast<std::size_t>(reason)];
        return false;
    }

    DumpPages pages_;
    WikitextCleaner cleaner_;
    DumpPage page_;
    DropCounts dropped_{};
};

}  // namespace

std::unique_ptr<DocumentReader> read_dump(DumpPages pages, const WikiSite& site) {
    return std::make_unique<DumpReader>(std::move(pages), site);
}

}  // namespace hpml::text
