#include "text/dump_pages.h"

#include <expat.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <exception>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "text/documents.h"

namespace hpml::text {

namespace {

constexpr int kChunk = 128 << 10;
constexpr std::int64_t kLongestTag = std::int64_t{1} << 20;
constexpr int kDeepest = 32;
constexpr std::size_t kLongestTitle = 4096;

struct FreeParser {
    void operator()(XML_Parser parser) const { XML_ParserFree(parser); }
};

/// The value of an attribute, empty if there is none. @param attributes  as expat gives them
std::string_view attribute(const XML_Char** attributes, std::string_view name) {
    for (; *attributes != nullptr; attributes += 2) {
        if (name == attributes[0]) {
            return attributes[1];
        }
    }
    return {};
}

std::int64_t number_of(std::string_view text) {
    std::int64_t number = -1;
    (void)std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

bool is_redirect_text(std::string_view text) {
    constexpr std::string_view kWord = "#REDIRECT";
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    return text.size() >= kWord.size() &&
           std::equal(kWord.begin(), kWord.end(), text.begin(), [](char wanted, char found) {
               return wanted == (found & ~0x20) || wanted == found;
           });
}

}  // namespace

/// What the callbacks share. Depths: 1 mediawiki, 2 page or siteinfo, 3 title, ns, redirect,
/// revision, 4 model and text.
struct DumpPages::Parse {
    std::unique_ptr<XML_ParserStruct, FreeParser> parser;
    std::unique_ptr<ByteSource> source;
    DumpBounds bounds;
    WikiSite* site = nullptr;  ///< takes the namespaces if given, and the first page ends it
    DumpPage page;
    int depth = 0;
    bool is_in_page = false;
    bool is_in_revision = false;
    bool has_page = false;  ///< page is complete and not yet handed over
    bool has_site = false;  ///< the head has been read
    bool at_end = false;    ///< expat has been given all
    bool is_done = false;   ///< and has parsed it
    std::int64_t namespace_number = 0;
    std::string* target = nullptr;  ///< where character data goes
    std::size_t room = 0;           ///< how long that may become
    std::string word;               ///< of a small element
    std::string problem;            ///< why the parse was stopped
    std::exception_ptr failure;     ///< thrown in a callback; expat's frames are not unwound
    std::int64_t fed = 0;

    void start(std::string_view name, const XML_Char** attributes);
    void start_in_page(std::string_view name, const XML_Char** attributes);
    void end(std::string_view name);
    void end_in_page(std::string_view name);
    void take(std::string& into, std::size_t most);
    void characters(std::string_view text);
    void stop(const char* why);
    void parse_more();
    [[nodiscard]] XML_Status parse_end();
    [[noreturn]] void refuse(const std::string& what) const;
};

namespace {

/// Run what a callback does; what it throws is kept for after expat.
template <class Self, class Use>
void guarded(Self& self, Use use) {
    try {
        use();
    } catch (...) {
        self.failure = std::current_exception();
        (void)XML_StopParser(self.parser.get(), XML_FALSE);
    }
}

}  // namespace

void DumpPages::Parse::stop(const char* why) {
    problem = why;
    (void)XML_StopParser(parser.get(), XML_FALSE);
}

void DumpPages::Parse::take(std::string& into, std::size_t most) {
    into.clear();
    target = &into;
    room = most;
}

void DumpPages::Parse::characters(std::string_view text) {
    if (target == nullptr) {
        return;
    }
    const std::size_t taken = std::min(text.size(), room - target->size());
    target->append(text.substr(0, taken));
    if (taken < text.size() && target == &page.text) {
        page.is_cut = true;
    }
}

void DumpPages::Parse::start(std::string_view name, const XML_Char** attributes) {
    ++depth;
    target = nullptr;
    if (depth > kDeepest) {
        stop("elements are nested deeper than in a dump");
    } else if (depth == 1) {
        if (name != "mediawiki") {
            stop("the document is no <mediawiki>");
        }
    } else if (depth == 2 && name == "page") {
        is_in_page = true;
        is_in_revision = false;
        std::string kept = std::move(page.text);
        page = {};
        page.text = std::move(kept);
        page.text.clear();
        if (site != nullptr) {
            has_site = true;
            (void)XML_StopParser(parser.get(), XML_FALSE);
        }
    } else if (is_in_page) {
        start_in_page(name, attributes);
    } else if (site != nullptr && name == "namespace") {
        namespace_number = number_of(attribute(attributes, "key"));
        take(word, kLongestTitle);
    }
}

void DumpPages::Parse::start_in_page(std::string_view name, const XML_Char** attributes) {
    if (depth == 3) {
        if (name == "title") {
            take(page.title, kLongestTitle);
        } else if (name == "ns") {
            take(word, kLongestTitle);
        } else if (name == "redirect") {
            page.is_redirect = true;
        }
        is_in_revision = name == "revision";
    } else if (depth == 4 && is_in_revision) {
        if (name == "model") {
            take(word, kLongestTitle);
        } else if (name == "text") {
            page.has_text = attribute(attributes, "deleted").empty();
            page.is_cut = false;
            page.text.clear();
            if (!page.is_redirect && page.namespace_number == 0) {
                take(page.text, kLongestDocument);
            }
        }
    }
}

void DumpPages::Parse::end(std::string_view name) {
    if (depth == 2 && is_in_page) {
        is_in_page = false;
        has_page = true;
        (void)XML_StopParser(parser.get(), XML_TRUE);
    } else if (is_in_page) {
        end_in_page(name);
    } else if (site != nullptr && name == "namespace") {
        site->add_namespace(static_cast<int>(namespace_number), word);
    }
    target = nullptr;
    --depth;
}

void DumpPages::Parse::end_in_page(std::string_view name) {
    if (depth == 3 && name == "ns") {
        page.namespace_number = number_of(word);
    } else if (depth == 4 && is_in_revision && name == "model") {
        page.is_wikitext = word == "wikitext";
    } else if (depth == 4 && is_in_revision && name == "text") {
        page.is_redirect = page.is_redirect || is_redirect_text(page.text);
    }
}

void DumpPages::Parse::refuse(const std::string& what) const {
    throw InputError(source->path().string() + ", near byte " + std::to_string(source->offset()) +
                     ": " + what);
}

/// Let expat go on until a page is complete, or all that there is has been parsed.
void DumpPages::Parse::parse_more() {
    XML_ParsingStatus status;
    XML_GetParsingStatus(parser.get(), &status);
    XML_Status result = XML_STATUS_OK;
    if (status.parsing == XML_SUSPENDED) {
        result = XML_ResumeParser(parser.get());
    } else {
        void* buffer = XML_GetBuffer(parser.get(), kChunk);
        if (buffer == nullptr) {
            throw ResourceError("expat has no memory to read " + source->path().string());
        }
        const std::size_t got = source->read({static_cast<char*>(buffer), kChunk});
        at_end = got == 0;
        fed += static_cast<std::int64_t>(got);
        result = at_end ? parse_end() : XML_ParseBuffer(parser.get(), static_cast<int>(got), 0);
    }
    is_done = at_end && result != XML_STATUS_SUSPENDED;
    if (failure != nullptr) {
        std::rethrow_exception(failure);
    }
    if (result == XML_STATUS_ERROR && !has_site) {
        refuse(problem.empty() ? std::string("the XML is not well-formed (") +
                                     XML_ErrorString(XML_GetErrorCode(parser.get())) +
                                     "; the dump is damaged or cut short); fetch it again"
                               : problem + "; give a pages-articles dump of MediaWiki");
    }
    const XML_Index parsed = XML_GetCurrentByteIndex(parser.get());
    if (result == XML_STATUS_OK && fed - parsed > kLongestTag) {
        refuse("a tag is longer than a mebibyte (this is no dump); give a pages-articles dump");
    }
}

/// The end of a part is made an end of the document, so that expat sees whether it is whole.
XML_Status DumpPages::Parse::parse_end() {
    const std::string_view closing = bounds.ends_file ? "" : "</mediawiki>";
    return XML_Parse(parser.get(), closing.data(), static_cast<int>(closing.size()), XML_TRUE);
}

DumpPages::DumpPages(std::unique_ptr<ByteSource> source, DumpBounds bounds)
    : parse_(std::make_unique<Parse>()) {
    parse_->source = std::move(source);
    parse_->bounds = bounds;
    // Another encoding than UTF-8 is none of a dump's.
    parse_->parser.reset(XML_ParserCreate("UTF-8"));
    XML_Parser parser = parse_->parser.get();
    if (parser == nullptr) {
        throw ResourceError("expat has no memory");
    }
    XML_SetUserData(parser, parse_.get());
    XML_SetElementHandler(
        parser,
        [](void* data, const XML_Char* name, const XML_Char** attributes) {
            auto& self = *static_cast<DumpPages::Parse*>(data);
            guarded(self, [&] { self.start(name, attributes); });
        },
        [](void* data, const XML_Char* name) {
            auto& self = *static_cast<DumpPages::Parse*>(data);
            guarded(self, [&] { self.end(name); });
        });
    XML_SetCharacterDataHandler(parser, [](void* data, const XML_Char* text, int length) {
        auto& self = *static_cast<DumpPages::Parse*>(data);
        guarded(self, [&] { self.characters({text, static_cast<std::size_t>(length)}); });
    });
    XML_SetStartDoctypeDeclHandler(
        parser, [](void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
            static_cast<DumpPages::Parse*>(data)->stop(
                "a DOCTYPE is refused (its entities could stand for anything)");
        });
    constexpr std::string_view kOpening = "<mediawiki>";
    if (!bounds.begins_file && XML_Parse(parser, kOpening.data(), static_cast<int>(kOpening.size()),
                                         XML_FALSE) != XML_STATUS_OK) {
        throw InternalError("expat refuses the begin of a part");
    }
}

DumpPages::~DumpPages() = default;
DumpPages::DumpPages(DumpPages&&) noexcept = default;
DumpPages& DumpPages::operator=(DumpPages&&) noexcept = default;

bool DumpPages::next(DumpPage& page) {
    Parse& parse = *parse_;
    while (!parse.has_page && !parse.is_done) {
        parse.parse_more();
    }
    if (!parse.has_page) {
        return false;
    }
    parse.has_page = false;
    std::swap(page, parse.page);
    return true;
}

WikiSite DumpPages::read_site(std::unique_ptr<ByteSource> source) {
    WikiSite site;
    DumpPages pages(std::move(source), {});
    Parse& parse = *pages.parse_;
    parse.site = &site;
    while (!parse.has_site && !parse.is_done) {
        parse.parse_more();
    }
    return site;
}

}  // namespace hpml::text
