#pragma once
#include <span>
#include <string>
#include <string_view>

#include "ariascribe/repertoire.h"

namespace ghost::ariascribe {

/// "Op. 19" where the text says so of the work that is Op. 19b, which is then told so everywhere.
/// @param title  the work's, with its numbers
std::string with_numbers_as_said(std::string title, const Work& work, std::span<const CatalogueMention> said);

/// The work's name in the language of the text: the one of its names that says nearly all the text does. A nickname of one word is no
/// name by itself.
std::string_view name_in_language(const Work& work, std::string_view said);

/// "Abschied (Farewell)" without the translation; a tempo in brackets stays.
std::string_view without_brackets(std::string_view name);

/// "ADAGIO SOSTENUTO" as it is printed: "Adagio sostenuto". Words that are not tempos or forms keep a capital, for they may be names.
std::string without_capitals(const std::string& name);

}  // namespace ghost::ariascribe
