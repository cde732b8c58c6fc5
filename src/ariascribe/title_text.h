#pragma once
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ariascribe/composer_names.h"
#include "ariascribe/ordinal.h"
#include "ariascribe/terms.h"
#include "ariascribe/title.h"

namespace ghost::ariascribe {

/// A title in tokens, and what of it can be told before it is divided: numbers, keys, names, separators, anchors of a work.
class TitleText {
 protected:
  TitleText(std::string_view title, const ComposerNames& names);

  const std::vector<Token>& tokens() const { return out_.tokens; }
  std::span<const Token> span(std::size_t first, std::size_t last) const { return std::span(out_.tokens).subspan(first, last - first); }
  bool inside_catalogue(std::size_t i) const { return i < taken_.size() && taken_[i] != 0; }
  bool has_anchor(std::size_t first, std::size_t last) const { return has_strong_anchor(first, last) || has_form(first, last); }
  bool has_form(std::size_t first, std::size_t last) const {
    const auto part = span(first, std::max(first, last));
    return std::any_of(part.begin(), part.end(), says_form);
  }
  std::optional<OrdinalMention> ordinal_in(std::size_t first, std::size_t last) const {
    if (first >= last) return std::nullopt;
    auto found = find_ordinal(span(first, last), std::span(taken_).subspan(first, last - first));
    if (found) found->first += first, found->last += first;
    return found;
  }
  /// A form of composition, and which one: "piano sonata 14", "symphony in C", "Nocturne, Op. 9".
  bool says_one_work(std::size_t first, std::size_t last) const { return has_form(first, last) && (has_strong_anchor(first, last) || ordinal_in(first, last)); }

  /// ":", " - ", " / " and "|" outside brackets.
  bool is_separator(std::size_t i) const {
    const Token& token = tokens()[i];
    if (depths_[i] != 0 || inside_catalogue(i) || (!token.is_mark('|') && begins_book(i + 1))) return false;
    if (token.is_mark(':')) return !(token.glued && i + 1 < tokens().size() && tokens()[i + 1].is_number() && tokens()[i + 1].glued && i > 0 && tokens()[i - 1].is_number());
    if (token.is_mark('-')) return spaced(i);
    if (token.is_mark('/')) return spaced(i);
    return token.is_mark('|');
  }
  /// "Book 1", "Heft II": of the work before it.
  bool begins_book(std::size_t i) const {
    constexpr auto kBooks = std::to_array<std::string_view>({"band", "book", "buch", "cahier", "heft", "libro", "livre", "teil", "volume"});
    if (i + 1 >= tokens().size() || !tokens()[i].is_word() || !is_one_of(tokens()[i].text, kBooks)) return false;
    return tokens()[i + 1].is_number() || roman_value(tokens()[i + 1].text) || ordinal_word(tokens()[i + 1].text) || count_at(tokens(), i + 1) || tokens()[i + 1].is("one");
  }
  bool spaced(std::size_t i) const { return !tokens()[i].glued && i + 1 < tokens().size() && !tokens()[i + 1].glued; }

  bool has_strong_anchor(std::size_t first, std::size_t last) const {
    if (first >= last) return false;
    const auto in = [&](const auto& each) { return each.first >= first && each.last <= last; };
    if (std::any_of(taken_.begin() + static_cast<std::ptrdiff_t>(first), taken_.begin() + static_cast<std::ptrdiff_t>(last), [](char taken) { return taken != 0; })) return true;
    return std::any_of(out_.keys.begin(), out_.keys.end(), in);
  }
  bool has_catalogue_after(std::size_t i) const {
    return std::any_of(out_.catalogue.begin(), out_.catalogue.end(), [&](const CatalogueMention& each) { return each.first > i; });
  }
  bool has_catalogue_before(std::size_t i) const {
    return std::any_of(out_.catalogue.begin(), out_.catalogue.end(), [&](const CatalogueMention& each) { return each.last <= i; });
  }

  const ComposerNames& names_;
  ParsedTitle out_;
  std::vector<ComposerNames::Mention> doubtful_;  ///< names that count only where all around speaks for them
  std::vector<char> taken_;                       ///< of each token, whether a catalogue number has it
  std::vector<int> depths_;
  std::size_t first_ = 0, last_ = 0;  ///< what is left once the composer is taken off
};

}  // namespace ghost::ariascribe
