#include "portlight/registry_store_service.h"

#include <algorithm>

#include "base/file.h"

namespace ghost::portlight {

namespace {

constexpr std::size_t kLongest = 32 * 1024 * 1024, kLongestServices = 4 * 1024 * 1024;

std::filesystem::path kept_at(const std::filesystem::path& state) { return state / "portlight" / "registry.tsv"; }

Result<Registry> without_overlay(const std::filesystem::path& state) {
  const auto file = kept_at(state);
  auto text = read_file(file, kLongest);
  if (!text && text.error().code == Errc::not_found) return Registry::embedded();
  if (!text) return text.error();
  auto registry = Registry::parse(std::move(*text));
  if (!registry) return Error{registry.error().code, file.string() + ": " + registry.error().message + "; delete the file to go back to the registry of this program"};
  return registry;
}

}  // namespace

Result<Registry> open_registry(const std::filesystem::path& state) {
  auto registry = without_overlay(state);
  if (!registry) return registry;
  // A machine without /etc/services has no names of its own.
  if (const auto services = read_file("/etc/services", kLongestServices)) registry->add_overlay(*services);
  return registry;
}

Result<RegistryUpdate> update_registry(const std::filesystem::path& state, const std::filesystem::path& csv) {
  const auto text = read_file(csv, kLongest);
  if (!text) return text.error();
  const auto before = without_overlay(state);
  if (!before) return before.error();
  const auto fresh = before->updated_from_csv(*text);
  if (!fresh) return fresh.error().in(csv.string());
  RegistryUpdate update;
  update.file = kept_at(state);
  const auto count = [](const Registry& registry, Era era) {
    return static_cast<std::size_t>(std::count_if(registry.rows().begin(), registry.rows().end(), [&](const Registration& row) { return row.era == era && !row.name.empty(); }));
  };
  update.rows = fresh->rows().size();
  update.added = count(*fresh, Era::since);
  const std::size_t gone = count(*fresh, Era::no_more), gone_before = count(*before, Era::no_more);
  update.gone = gone - std::min(gone, gone_before);
  if (const Status made = make_directories(update.file.parent_path(), 0700); !made) return made.error();
  if (const Status written = write_file_atomically(update.file, as_bytes(fresh->text())); !written) return written.error();
  return update;
}

}  // namespace ghost::portlight
