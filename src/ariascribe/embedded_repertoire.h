#pragma once
#include <cstddef>

#include "base/bytes.h"

namespace ghost::ariascribe {

/// The files of data/repertoire one after the other, each behind a line "=== PATH", packed by gzip. Written by
/// tools/embed_repertoire at build time.
BytesView embedded_repertoire_gzip();
/// Its length in bytes when unpacked.
std::size_t embedded_repertoire_size();

}  // namespace ghost::ariascribe
