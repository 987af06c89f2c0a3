#pragma once

#include <bzlib.h>
#include <zlib.h>

#include <boost/test/unit_test.hpp>
#include <string>

namespace hpml::test {

/// One gzip member.
inline std::string gzip(const std::string& text) {
    z_stream stream{};
    BOOST_REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    BOOST_REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    packed.resize(packed.size() - stream.avail_out);
    BOOST_REQUIRE(deflateEnd(&stream) == Z_OK);
    return packed;
}

/// One bzip2 stream. @param level  hundreds of kilobytes in a block
inline std::string bzip2(const std::string& text, int level = 1) {
    std::string packed(text.size() + text.size() / 50 + 1000, '\0');
    auto size = static_cast<unsigned>(packed.size());
    BOOST_REQUIRE(BZ2_bzBuffToBuffCompress(packed.data(), &size, const_cast<char*>(text.data()),
                                           static_cast<unsigned>(text.size()), level, 0,
                                           0) == BZ_OK);
    packed.resize(size);
    return packed;
}

}  // namespace hpml::test
