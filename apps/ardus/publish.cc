// `ardus publish`, and `ardus receive --from`.
#include <fmt/format.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "app/places.h"
#include "ardus/publish_service.h"
#include "ardus/web_receiver_service.h"
#include "base/terminal.h"
#include "base/text.h"
#include "base/units.h"
#include "report.h"
#include "verbs.h"

namespace ghost::app {

namespace {

namespace fs = std::filesystem;

/// Set by SIGINT and SIGTERM; of the process, since a handler knows nothing else.
std::shared_ptr<std::atomic<bool>> interrupted_flag;

std::shared_ptr<const std::atomic<bool>> listen_for_interruption() {
  interrupted_flag = std::make_shared<std::atomic<bool>>(false);
  struct sigaction action {};
  action.sa_handler = [](int) { *interrupted_flag = true; };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  return interrupted_flag;
}

fs::path whole(const std::string& path) { return fs::absolute(path).lexically_normal(); }

std::uint64_t wall_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}

int fail_with(const Arguments& arguments, const Error& error) {
  if (arguments.has("json")) print_json({{"v", 1}, {"event", "error"}, {"status", name(error.code)}, {"message", error.message}, {"code", code(exit_code_of(error))}});
  return complain("ardus", error);
}

Result<b2::NodeState> node_state(const Arguments& arguments) {
  const auto where = places(arguments);
  if (!where) return where.error();
  return b2::NodeState::open_or_create(where->state, "", std::chrono::system_clock::now());
}

int publish(const Arguments& arguments) {
  const auto node = node_state(arguments);
  if (!node) return fail_with(arguments, node.error());
  const auto cancelled = listen_for_interruption();
  const bool shows = !arguments.has("json") && !arguments.has("quiet");
  ardus::ScanWish scan_wish;
  for (const std::string& path : arguments.all("PATH")) scan_wish.paths.push_back(whole(path));
  scan_wish.name = arguments.text("name");
  scan_wish.now_ms = wall_ms();
  scan_wish.cancelled = cancelled;
  const auto content = ardus::scan(scan_wish, node->key());
  if (!content) return fail_with(arguments, content.error());
  for (const std::string& remark : (*content)->remarks()) std::cerr << "ardus: " << printable(remark) << "\n";
  const ardus::Manifest& manifest = (*content)->manifest();
  std::uint64_t total = 0;
  for (const ardus::Chunk& chunk : manifest.chunks) total += chunk.size;
  Progress progress(Terminal::of(STDERR_FILENO), "publishing", Progress::Unit::bytes, total, std::chrono::steady_clock::now());
  ardus::PublishWish wish;
  wish.folder = whole(arguments.text("to"));
  if (node->membership()) wish.certificates = node->membership()->certificates();
  wish.cancelled = cancelled;
  if (shows) wish.progress = [&](std::uint64_t done) { std::cerr << progress.update(done, std::chrono::steady_clock::now()); };
  const auto published = ardus::publish(**content, wish);
  if (shows) std::cerr << progress.finish(published ? "done" : "broken off", std::chrono::steady_clock::now());
  if (!published) return fail_with(arguments, published.error());
  std::uint64_t removed = 0;
  if (arguments.has("prune")) {
    const auto pruned = ardus::prune(wish.folder);
    if (!pruned) return fail_with(arguments, pruned.error());
    removed = *pruned;
  }
  if (arguments.has("json")) {
    print_json({{"v", 1}, {"event", "summary"}, {"code", code(Exit::done)}, {"file", published->file.string()}, {"content", to_hex(manifest.content)}, {"publisher", node->id().words()},
                {"files", manifest.files()}, {"bytes", manifest.bytes()}, {"chunks_written", published->chunks}, {"bytes_written", published->bytes}, {"chunks_there", published->already},
                {"chunks_removed", removed}});
  } else if (!arguments.has("quiet")) {
    std::cout << fmt::format("{}: {} in {} files; {} chunks written, {} were there{}\nwith a web server in front of {}, receivers say\n  ardus receive --into DIR --from http://HOST/{}\n",
                             printable(published->file.string()), format_size(manifest.bytes()), manifest.files(), published->chunks, published->already,
                             arguments.has("prune") ? fmt::format(", {} removed", removed) : "", printable(wish.folder.string()), printable(published->file.filename().string()));
    if (!node->membership()) std::cout << "this node is in no house; receivers add --publisher " << node->id().words() << "\n";
  }
  return code(Exit::done);
}

/// What is told of a fetching, in the fields of other transfers.
ardus::v1::Transfer as_transfer(const ardus::WebReceiver::Progress& progress, const fs::path& into, TimePoint begun) {
  ardus::v1::Transfer transfer;
  transfer.name = progress.name;
  transfer.sender = progress.publisher;
  transfer.detail = progress.doing;
  transfer.phase = progress.doing == "fetching" ? ardus::v1::TransferPhase::streaming : ardus::v1::TransferPhase::scanning;
  transfer.content = to_bytes(progress.content);
  transfer.files = progress.files;
  transfer.bytes = transfer.bytes_needed = progress.bytes;
  transfer.bytes_done = progress.bytes_done;
  transfer.fallback_bytes = progress.fetched;
  transfer.into = into.string();
  transfer.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return transfer;
}

/// Shows a fetching, at most ten times a second.
class WebDisplay {
 public:
  WebDisplay(const Arguments& arguments, fs::path into) : json_(arguments.has("json")), quiet_(arguments.has("quiet")), into_(std::move(into)) {}

  void show(const ardus::WebReceiver::Progress& progress) {
    const TimePoint now = std::chrono::steady_clock::now();
    const bool other = progress.doing != told_;
    told_ = progress.doing;
    if (json_ && (other || now - told_at_ > std::chrono::seconds(1))) {
      told_at_ = now;
      print_json(progress_event(as_transfer(progress, into_, begun_)));
    }
    if (json_ || quiet_) return;
    if (other) std::cerr << (bar_ ? bar_->clear() : "") << "ardus: " << printable(progress.doing) << "\n";
    if (progress.doing != "fetching") return;
    if (!bar_) bar_.emplace(Terminal::of(STDERR_FILENO), printable(progress.name), Progress::Unit::bytes, progress.bytes, now);
    std::cerr << bar_->update(progress.bytes_done, now);
  }
  ardus::v1::Transfer end(const ardus::WebReceiver::Progress& progress, const Status& status) {
    if (bar_) std::cerr << bar_->finish(status ? "done" : "failed", std::chrono::steady_clock::now());
    ardus::v1::Transfer transfer = as_transfer(progress, into_, begun_);
    transfer.phase = status ? ardus::v1::TransferPhase::done : status.error().code == Errc::cancelled ? ardus::v1::TransferPhase::cancelled : ardus::v1::TransferPhase::failed;
    transfer.detail = status ? "" : status.error().message;
    transfer.error = status ? "" : std::string(name(status.error().code));
    return transfer;
  }

 private:
  bool json_, quiet_;
  fs::path into_;
  TimePoint begun_ = std::chrono::steady_clock::now(), told_at_{};
  std::string told_;
  std::optional<Progress> bar_;
};

}  // namespace

int receive_from_web(const Arguments& arguments) {
  const auto node = node_state(arguments);
  if (!node) return fail_with(arguments, node.error());
  ardus::WebReceiver::Wish wish;
  wish.into = whole(arguments.text("into"));
  wish.from.urls = arguments.all("from");
  for (const std::string& url : wish.from.urls) {
    if (url.starts_with("http://") || url.starts_with("https://")) continue;
    std::cerr << "ardus: --from " << printable(url) << ": an address that begins with http:// or https:// is wanted\n";
    return code(Exit::usage);
  }
  wish.from.ca_file = arguments.text("ca");
  wish.from.cancelled = listen_for_interruption();
  wish.publisher = arguments.text("publisher");
  for (const std::string& seed : arguments.all("seed-from")) wish.seeds.push_back(whole(seed));
  wish.owners = arguments.has("owners") ? ardus::Owners::publishers : ardus::Owners::own;
  WebDisplay display(arguments, wish.into);
  ardus::WebReceiver receiver(*node, wish, [&](const ardus::WebReceiver::Progress& progress) { display.show(progress); });
  const Status done = receiver.run();
  const ardus::v1::Transfer transfer = display.end(receiver.progress(), done);
  const Exit exit = exit_of(transfer);
  if (arguments.has("json")) print_json(summary_event(transfer, exit));
  else if (done && !arguments.has("quiet")) std::cout << sentence(transfer) << "\n";
  if (!done) {
    std::cerr << "ardus: " << printable(done.error().message) << "\n";
    if (receiver.progress().fetched > 0) std::cerr << "ardus: what came is kept, and the next receive goes on from there\n";
  }
  return code(exit);
}

Verb publish_verb() {
  Verb verb;
  verb.name = "publish";
  verb.summary = "write files and folders as plain files for a web server";
  verb.description =
      "Cuts and signs like 'ardus send', and writes into DIR what any web server, S3 store or CDN can hand out: NAME.ardus, the signed manifest, and each chunk once, under its hash. "
      "Published again, only chunks that are not there are written; at every moment DIR can be fetched from.";
  verb.examples = {{"ardus publish album/ --to /var/www/pub", "receivers fetch /pub/album.ardus"}, {"ardus publish album/ --to /var/www/pub --prune", "and drop chunks of older versions"}};
  Option to = Option{"to", "DIR", "the folder that the web server hands out"};
  to.complete = Complete::directories;
  verb.options = {to, Option{"name", "NAME", "of the publication; by default the first path's last part"},
                  Option{"prune", "", "remove chunks that no publication in DIR needs"}, state_option(), json_option(), quiet_option()};
  verb.positionals = {{"PATH", "files and folders", Positional::Count::at_least_one, {}, Complete::files}};
  verb.run = [](const Arguments& arguments) {
    if (arguments.has("to")) return publish(arguments);
    std::cerr << "ardus: publish needs --to DIR, the folder that a web server hands out\n";
    return code(Exit::usage);
  };
  return verb;
}

}  // namespace ghost::app
