#pragma once
#include <optional>

#include "portlight/recognise.h"

/// The halves of recognise(), by what kind of bytes they know.
namespace ghost::portlight::recognisers {

std::optional<Recognition> text(std::string_view after, std::string_view heard);
std::optional<Recognition> binary(std::string_view after, BytesView heard);
std::optional<Recognition> datagram(std::string_view after, BytesView heard);

}  // namespace ghost::portlight::recognisers
