#pragma once
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace ghost::b2::codegen {

/// Text of a generated file, line by line.
class Text {
 public:
  /// One line, indented, made of the parts; an empty line when there is nothing in them.
  template <class... Parts>
  Text& line(const Parts&... parts) {
    const std::size_t begin = out_.size();
    out_.append(depth_ * 2, ' ');
    const std::size_t content = out_.size();
    (out_.append(std::string_view(parts)), ...);
    if (out_.size() == content) out_.resize(begin);
    out_ += '\n';
    return *this;
  }
  /// A line that opens a block, and one that closes it.
  template <class... Parts>
  Text& open(const Parts&... parts) {
    line(parts...);
    ++depth_;
    return *this;
  }
  template <class... Parts>
  Text& close(const Parts&... parts) {
    --depth_;
    return line(parts...);
  }
  /// A comment, one "/// " line for each.
  Text& doc(const std::vector<std::string>& lines) {
    for (const std::string& text : lines) line(text.empty() ? "///" : "/// ", text);
    return *this;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
  std::size_t depth_ = 0;
};

}  // namespace ghost::b2::codegen
