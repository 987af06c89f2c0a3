#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "text/document_readers.h"

namespace hpml::text {

namespace {

/// "id, url, title", shortened.
std::string member_names(const Json& record) {
    constexpr std::size_t kMost = 200;
    std::string names;
    for (const auto& [name, value] : record.items()) {
        names += (names.empty() ? "" : ", ") + name;
    }
    return names.substr(0, kMost);
}

class JsonLinesReader final : public DocumentReader {
  public:
    JsonLinesReader(LineReader lines, std::string field)
        : lines_(std::move(lines)), field_(std::move(field)) {}

    [[nodiscard]] bool next(Document& document) override {
        document = {};
        while (lines_.next(line_)) {
            if (line_.find_first_not_of(" \t\r") != std::string::npos) {
                take(document.text);
                return true;
            }
        }
        return false;
    }

  private:
    void take(std::string& text) {
        if (lines_.is_cut()) {
            refuse("the line is longer than a document may be; cut the text in several");
        }
        Json record = Json::parse(line_, nullptr, false);
        if (!record.is_object()) {
            refuse("this is no JSON object; give --format text or lines if it is plain text");
        }
        const auto member = record.find(field_);
        if (member == record.end()) {
            refuse("there is no member \"" + field_ + "\" (there are: " + member_names(record) +
                   "); name the one with the text by --field");
        }
        if (!member->is_string()) {
            refuse("the member \"" + field_ +
                   "\" is no string; name the one with the text by --field");
        }
        text = std::move(member->get_ref<std::string&>());
        if (!text.empty() && text.back() != '\n') {
            text.push_back('\n');
        }
    }
    [[noreturn]] void refuse(const std::string& what) const {
        throw InputError(lines_.path().string() + ", line " + std::to_string(lines_.number()) +
                         ": " + what);
    }

    LineReader lines_;
    std::string field_;
    std::string line_;
};

}  // namespace

std::unique_ptr<DocumentReader> read_json_lines(LineReader lines, const std::string& field) {
    return std::make_unique<JsonLinesReader>(std::move(lines), field);
}

}  // namespace hpml::text
