#pragma once
#include "ariascribe/title_text.h"

namespace ghost::ariascribe {

constexpr double kDoubtful = 0.9;  ///< certainty a name keeps that may be another word

/// Whom a title names as its composer, in front or behind; what is taken off leaves [first_, last_).
class ComposerInTitle : protected TitleText {
 protected:
  using TitleText::TitleText;

  /// "A. Fuchs", "J. S. Muster": initials in front make a name of it.
  bool has_initials(std::size_t first, std::size_t last) const;
  bool begins_with_article(std::size_t first) const;

  bool looks_like_person(std::size_t first, std::size_t last) const;

  /// "Mozart: …", "W. A. Mozart - …", "Georg Böhm (1661-1733): …", and a known name that simply begins.
  void take_composer_in_front();
  /// What may be a composer nobody here knows, should the title name no work that is known.
  void note_person_in_front();

  /// "Mahler's"
  std::size_t behind_possessive(std::size_t i) const { return i + 1 < last_ && tokens()[i].is_mark('\'') && tokens()[i + 1].is("s") ? i + 2 : i; }

  /// A name that simply begins the title, where what follows is a work: "Mozart Piano Concerto No. 20", "mahler symphony 2".
  const ComposerNames::Mention* name_in_front() const;
  /// A form, an instrument or a number stands there, as behind a composer's name: "field nocturne", "glass no. 3", "Mahlers zweite".
  bool begins_work(std::size_t i) const;
  /// "Haydn Variations", "Goldberg Variations": a name before a form without anything between may belong to the title.
  bool is_possessive(std::size_t i) const;

  /// Whether a mention of a known composer covers all words of [first, last), years and brackets aside.
  bool name_covers(std::size_t first, std::size_t last) const;
  bool has_comma(std::size_t first, std::size_t last) const;

  /// "Symphony No. 5 Mahler", "Симфония № 5 Малера", "Symphonie n° 5 de Mahler": a name that ends the title, behind a number or a form.
  bool take_name_at_end();
  bool ends_number(std::size_t end) const;

  /// "… (Hummel)", "… - E. B. Spencer", "… by X".
  void take_composer_behind();
  bool ends_doubtfully(std::size_t first) const { return !doubtful_.empty() && doubtful_.back().first == first && doubtful_.back().last == last_; }
  bool looks_like_person_inside(std::size_t first, std::size_t last) const;
  bool has_colon_before(std::size_t i) const;

  /// A doubtful name is surer once a work of that composer fits.
  static std::vector<ComposerNames::Match> sobered(const ComposerNames::Mention& name);
  void set_composer(std::string text, std::vector<ComposerNames::Match> matches);
};

}  // namespace ghost::ariascribe
