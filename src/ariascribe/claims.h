#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ghost::ariascribe {

// The model of docs/spec/ariascribe.md §10: subjects of a few kinds, and claims about them. A value that is shown is the top claim, so where it
// comes from and how it is taken back are one mechanism.

enum class Kind : std::uint8_t { agent, work, performance, recording, track, concept_ };
std::string_view name(Kind kind);
std::optional<Kind> kind_of(std::string_view name);

/// What a source calls a subject: {"musicbrainz-work", "06378…"}.
struct Ref {
  std::string scheme, key;
  friend auto operator<=>(const Ref&, const Ref&) = default;
};

/// One value that a record claims. The kind of its record says which fields there are.
struct Said {
  std::string field;       ///< "title", "catalogue", "composer"
  std::string value;       ///< "op:27/2"; the name of what `to` names, or ""
  std::string detail;      ///< what more there is: the language of a label, the role of a credit, the kind of an alias
  double confidence = 1;   ///< 0 … 1
  std::optional<Ref> to;   ///< of a field that names another subject; the claim's value is then that subject's id
};

/// What an importer makes of one record of a file.
struct Record {
  Kind kind = Kind::work;
  std::vector<Ref> refs;    ///< the same subject by several names; the first is the one it gets when none is known
  std::vector<Said> said;

  /// Adds a value; one that is "" is left out, one too long is cut at a character.
  void say(std::string_view field, std::string_view value, double confidence = 1, std::string_view detail = "");
  void say(std::string_view field, Ref to, double confidence = 1, std::string_view detail = "");
  /// The first value of a field; "".
  std::string_view value_of(std::string_view field) const;
};

/// The longest value of a claim, in bytes.
inline constexpr std::size_t kMaxClaim = 2000;

/// A claim as a store has it.
struct Claim {
  std::string subject, field, value, detail;
  std::string source;         ///< id of the source, which has name and licence
  double confidence = 1;
  std::int64_t made_ms = 0;   ///< Unix time
  std::string supersedes;     ///< the value of the same source that this one took the place of; ""
  bool standing = true;       ///< false: its own source says something else by now
  int rank = 0;               ///< of its source: what a person says stands over what a file says
};

/// Fields of which a subject has one value: of several claims the top one is shown. Of the others all values are.
bool has_one_value(std::string_view field);

/// Whether `a` is shown rather than `b`: by rank, confidence, time, and last by value, so that every machine shows the same.
bool is_above(const Claim& a, const Claim& b);

/// The claims that are shown, of all claims about one subject: fields in the order of their names, values of one field the top one first.
std::vector<Claim> shown(std::span<const Claim> claims);
/// The same, where they stand.
std::vector<const Claim*> shown_of(std::span<const Claim> claims);

/// What changes when `fresh`, all that one source says of a subject by now, meets the claims that are there. Fields the source says nothing
/// of stay as they are: a record may be a part.
struct ClaimChanges {
  std::vector<Claim> added;       ///< with `supersedes` filled in
  std::vector<Claim> withdrawn;   ///< those of this source that do not stand any more
  std::vector<Claim> restored;    ///< those that had been withdrawn and are said again
  bool none() const { return added.empty() && withdrawn.empty() && restored.empty(); }
};
ClaimChanges merge(std::span<const Claim> there, std::span<const Claim> fresh);
/// The same of a subject of which nothing is there: what a source says twice once.
std::vector<Claim> distinct(std::vector<Claim> fresh);

}  // namespace ghost::ariascribe
