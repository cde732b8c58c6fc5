// Statements of Turtle, as serd reads them.
#include <serd/serd.h>

#include <array>
#include <cstdarg>
#include <cstdio>
#include <optional>

#include "ariascribe/importer.h"
#include "ariascribe/tag_text.h"
#include "ariascribe/turtle.h"
#include "base/text.h"

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kMostPrefixes = 256;  // each name is looked for among them, one after the other
constexpr std::size_t kLongestIri = 2000;

std::string_view text_of(const SerdNode& node) { return {reinterpret_cast<const char*>(node.buf), node.n_bytes}; }

struct FreeSerdReader {
  void operator()(SerdReader* reader) const { serd_reader_free(reader); }
};
struct FreeSerdEnvironment {
  void operator()(SerdEnv* environment) const { serd_env_free(environment); }
};

}  // namespace

struct TurtleStatements::Impl {
  Impl() : scope(serd_env_new(nullptr)) {}

  void renew() {
    reader.reset(serd_reader_new(
        SERD_TURTLE, this, nullptr, [](void* self, const SerdNode* iri) { return static_cast<Impl*>(self)->set_base(*iri); },
        [](void* self, const SerdNode* name, const SerdNode* iri) { return static_cast<Impl*>(self)->set_prefix(*name, *iri); },
        [](void* self, SerdStatementFlags, const SerdNode*, const SerdNode* subject, const SerdNode* predicate, const SerdNode* object, const SerdNode*,
           const SerdNode* language) { return static_cast<Impl*>(self)->say(*subject, *predicate, *object, language); },
        nullptr));
    serd_reader_set_strict(reader.get(), true);
    serd_reader_set_error_sink(reader.get(), [](void* self, const SerdError* error) { return static_cast<Impl*>(self)->take_error(*error); }, this);
  }

  SerdStatus set_base(const SerdNode& iri) { return iri.n_bytes > kLongestIri ? fail("an IRI of more than 2,000 bytes") : serd_env_set_base_uri(scope.get(), &iri); }
  SerdStatus set_prefix(const SerdNode& name, const SerdNode& iri) {
    if (iri.n_bytes > kLongestIri || name.n_bytes > kLongestIri) return fail("an IRI of more than 2,000 bytes");
    if (++prefixes > kMostPrefixes) return fail("more than 256 prefixes", Errc::exhausted);
    return serd_env_set_prefix(scope.get(), &name, &iri);
  }
  SerdStatus say(const SerdNode& subject, const SerdNode& predicate, const SerdNode& object, const SerdNode* language) {
    Triple triple;
    triple.is_text = object.type == SERD_LITERAL;
    if (!name(subject, triple.subject) || !name(predicate, triple.predicate) || (!triple.is_text && !name(object, triple.object))) return SERD_ERR_BAD_ARG;
    if (triple.is_text) triple.object = text_of(object);
    if (language && language->buf) triple.language = text_of(*language);
    // What is kept of a statement grows faster than its text: a prefix stands for an IRI, and four bytes may be a statement.
    kept += sizeof(Triple) + triple.subject.size() + triple.predicate.size() + triple.object.size() + triple.language.size();
    if (kept > kMaxImportRecord) return fail("a statement that stands for more than 32 MiB", Errc::exhausted);
    said.push_back(std::move(triple));
    return SERD_SUCCESS;
  }
  bool name(const SerdNode& node, std::string& out) {
    if (node.type == SERD_BLANK) {
      out = "_:" + std::string(text_of(node));
      return true;
    }
    SerdNode whole = serd_env_expand_node(scope.get(), &node);
    if (!whole.buf) return fail("the prefix '" + std::string(text_of(node).substr(0, text_of(node).find(':')).substr(0, 40)) + ":' is not declared"), false;
    out = text_of(whole);
    serd_node_free(&whole);
    if (out.size() > kLongestIri) return fail("an IRI of more than 2,000 bytes"), false;
    return true;
  }
  SerdStatus fail(std::string why, Errc code = Errc::malformed) {
    if (!failure) failure = Error{code, std::move(why)};
    return SERD_ERR_BAD_ARG;
  }
  SerdStatus take_error(const SerdError& error) {
    if (failure) return SERD_SUCCESS;
    std::array<char, 160> text{};
    std::vsnprintf(text.data(), text.size(), error.fmt, *error.args);
    std::string_view why = text.data();
    while (why.ends_with('\n')) why.remove_suffix(1);
    lines = error.line > 0 ? error.line - 1 : 0;
    fail(printable(why));
    return SERD_SUCCESS;
  }

  std::unique_ptr<SerdEnv, FreeSerdEnvironment> scope;
  std::unique_ptr<SerdReader, FreeSerdReader> reader;
  std::size_t prefixes = 0;
  std::vector<Triple> said;
  std::size_t kept = 0;
  std::uint64_t lines = 0;  ///< of the statement before the one that is wrong
  std::optional<Error> failure;
};

TurtleStatements::TurtleStatements() : impl_(std::make_unique<Impl>()) {}
TurtleStatements::~TurtleStatements() = default;

Result<std::vector<Triple>> TurtleStatements::read(const std::string& text, std::uint64_t& line) {
  if (text.find('\0') != std::string::npos) return Error{Errc::malformed, "a byte of 0"};
  if (!is_utf8(text)) return Error{Errc::malformed, "a statement that is not UTF-8"};
  if (!impl_->reader) impl_->renew();
  impl_->said.clear();
  impl_->kept = 0;
  impl_->lines = 0;
  impl_->failure.reset();
  const SerdStatus status = serd_reader_read_string(impl_->reader.get(), reinterpret_cast<const std::uint8_t*>(text.c_str()));
  if (status == SERD_SUCCESS && !impl_->failure) return std::move(impl_->said);
  impl_->reader.reset();  // which is in the middle of something
  line += impl_->lines;
  if (impl_->failure) return *impl_->failure;
  return Error{Errc::malformed, reinterpret_cast<const char*>(serd_strerror(status))};
}

}  // namespace ghost::ariascribe
