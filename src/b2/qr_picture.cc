#include "b2/qr_picture.h"

#include <qrencode.h>

#include <memory>

namespace ghost::b2 {

namespace {

struct CodeFree {
  void operator()(QRcode* code) const { QRcode_free(code); }
};

// ISO/IEC 18004 asks for four light modules around; readers make do with two, and the picture stays on a small terminal.
constexpr int kQuiet = 2;

bool is_light(const QRcode& code, int x, int y) {
  if (x < 0 || y < 0 || x >= code.width || y >= code.width) return true;
  return (code.data[y * code.width + x] & 1) == 0;
}

// Light is drawn, dark is left out: the foreground is white.
std::string_view half_block(bool upper_light, bool lower_light) {
  if (upper_light) return lower_light ? "█" : "▀";
  return lower_light ? "▄" : " ";
}

}  // namespace

Result<std::string> qr_picture(std::string_view text, PictureColours colours) {
  const std::string terminated(text);
  // Case-insensitive: letters, digits and a few signs take 5.5 bits each instead of 8, so the picture is smaller.
  const std::unique_ptr<QRcode, CodeFree> code(QRcode_encodeString(terminated.c_str(), 0, QR_ECLEVEL_M, QR_MODE_8, 0));
  if (!code || terminated.find('\0') != std::string::npos)
    return Error{Errc::malformed, "a text of " + std::to_string(text.size()) + " bytes does not fit a QR code"};
  std::string picture;
  for (int y = -kQuiet; y < code->width + kQuiet; y += 2) {
    if (colours == PictureColours::fixed) picture += "\x1b[97;40m";
    // An odd number of rows leaves half a line, which is drawn light like the rest of the quiet zone.
    for (int x = -kQuiet; x < code->width + kQuiet; ++x) picture += half_block(is_light(*code, x, y), is_light(*code, x, y + 1));
    if (colours == PictureColours::fixed) picture += "\x1b[0m";
    picture += '\n';
  }
  return picture;
}

}  // namespace ghost::b2
