#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "corpus/shard.h"
#include "fuzz/fuzz_cursor.h"
#include "fuzz/fuzz_input.h"
#include "h5/file.h"

namespace {

using namespace hpml;

void must(bool condition) {
    if (!condition) {
        std::abort();
    }
}

/// A shard as valid HDF5 whose attributes, types, lengths and content are anything, and what the
/// manifest says of it. HDF5 itself is no target: the hash stands before it, and only files that
/// are what hpml_prepare wrote get to it.
struct Shard {
    corpus::ShardFormat format;
    corpus::ShardEntry entry;
    std::int64_t first_document = 0;
    std::vector<std::int32_t> tokens;  ///< the content, if it is of the right type
    std::vector<std::int32_t> offsets;
    std::vector<std::int32_t> documents;
    std::vector<std::uint8_t> file;
};

template <class T>
std::vector<std::int32_t> add(h5::MemoryFile& file, const char* name, std::size_t count,
                              test::FuzzCursor& input) {
    const auto values = input.take_list<T>(count);
    file.add_dataset(name, std::span<const T>(values));
    std::vector<std::int32_t> wide;
    for (const T value : values) {
        wide.push_back(static_cast<std::int32_t>(value));
    }
    return wide;
}

/// A dataset of any type and length, or none; most often of the type and length of the format.
std::vector<std::int32_t> add_any(h5::MemoryFile& file, const char* name, std::size_t expected,
                                  h5::Element element, test::FuzzCursor& input) {
    const auto choice = input.take<std::uint8_t>();
    const std::size_t count = (choice & 0x80) == 0 ? expected : input.take<std::uint8_t>();
    switch ((choice & 0x70) == 0 ? static_cast<unsigned>(element) : choice % 5) {
        case 0:
            return add<std::int8_t>(file, name, count, input);
        case 1:
            return add<std::uint16_t>(file, name, count, input);
        case 2:
            return add<std::int32_t>(file, name, count, input);
        case 3:
            return add<std::int64_t>(file, name, count, input);
        default:
            return {};
    }
}

Shard make_shard(test::FuzzCursor& input) {
    Shard shard;
    const auto size = input.take<std::uint32_t>() % 0x7FFFFFFF;
    shard.format = {
        3 + input.take<std::uint8_t>(), 1 + static_cast<std::int64_t>(size), {1, 2}, {3, 4}};
    shard.first_document = input.take<std::int64_t>();
    shard.entry.rows = input.take<std::uint8_t>();
    shard.entry.tokens = shard.entry.rows + input.take<std::uint8_t>();
    h5::MemoryFile file;
    file.add_attribute("format",
                       std::string(input.take<std::int8_t>() < 0 ? "other" : "hpml-corpus"));
    file.add_attribute("format_version", corpus::kShardFormatVersion + input.take<std::int8_t>());
    file.add_attribute("sequence_length", shard.format.sequence_length);
    file.add_attribute("vocabulary_size", shard.format.vocabulary_size);
    file.add_attribute("vocabulary_hash", shard.format.vocabulary_hash.hex());
    file.add_attribute("settings_hash", shard.format.settings_hash.hex());
    file.add_attribute("first_document", shard.first_document);
    const auto rows = static_cast<std::size_t>(shard.entry.rows);
    const bool wide = shard.format.vocabulary_size >= 65536;
    shard.offsets = add_any(file, "offsets", rows + 1, h5::Element::Int32, input);
    shard.documents = add_any(file, "documents", rows, h5::Element::Int32, input);
    shard.tokens = add_any(file, "tokens", static_cast<std::size_t>(shard.entry.tokens),
                           wide ? h5::Element::Int32 : h5::Element::Uint16, input);
    for (const std::byte byte : file.image()) {
        shard.file.push_back(static_cast<std::uint8_t>(byte));
    }
    shard.entry.bytes = shard.file.size();
    shard.entry.hash = hash_bytes(std::as_bytes(std::span(shard.file)));
    return shard;
}

/// Every row is refused or is what was stored.
void read_rows(const corpus::ShardReader& reader, const Shard& shard) {
    std::vector<std::int32_t> row;
    for (std::int64_t number = 0; number < reader.rows(); ++number) {
        const auto at = static_cast<std::size_t>(number);
        try {
            reader.read_row(number, row);
            const std::int32_t begin = shard.offsets.at(at);
            must(static_cast<std::int64_t>(row.size()) <= shard.format.sequence_length);
            must(begin + static_cast<std::int32_t>(row.size()) == shard.offsets.at(at + 1));
            for (std::size_t i = 0; i < row.size(); ++i) {
                must(row[i] >= 0 && row[i] < shard.format.vocabulary_size);
                must(row[i] == shard.tokens.at(static_cast<std::size_t>(begin) + i));
            }
            must(reader.document(number) == shard.first_document + shard.documents.at(at));
        } catch (const Error&) {
            continue;
        }
    }
}

/// A byte of the file that is not as it was when it was hashed.
void must_refuse_damage(Shard shard, std::uint16_t at) {
    shard.file[at % shard.file.size()] ^= 0x40;
    const test::FuzzFile file(shard.file);
    shard.entry.name = file.path().filename();
    try {
        const corpus::ShardReader reader(file.path().parent_path(), shard.entry, shard.format);
    } catch (const InputError&) {
        return;
    }
    std::abort();
}

}  // namespace

/// Whatever a shard holds, it is refused by an error of ours, or its rows are those of the file.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FuzzCursor input({data, size});
    const auto damaged = input.take<std::uint16_t>();
    Shard shard = make_shard(input);
    must_refuse_damage(shard, damaged);
    const test::FuzzFile file(shard.file);
    shard.entry.name = file.path().filename();
    try {
        const corpus::ShardReader reader(file.path().parent_path(), shard.entry, shard.format);
        must(reader.rows() == shard.entry.rows && reader.tokens() == shard.entry.tokens);
        read_rows(reader, shard);
    } catch (const Error&) {
        return 0;
    }
    return 0;
}
