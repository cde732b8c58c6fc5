#include "portlight/why.h"

#include <algorithm>

namespace ghost::portlight {

namespace {

void add_sentence(std::string& text, const std::string& sentence) {
  if (!sentence.empty()) text += sentence + "\n";
}

/// "pcc-mfp, "PCC MFP", for tcp,udp; assignee Kunihiko Morota; registered 2005-08".
std::string row_text(const v1::RegistryEntry& row) {
  std::string text = row.name.empty() ? "(no name)" : row.name;
  if (!row.description.empty()) text += ", \"" + row.description + "\"";
  if (!row.transport.empty()) text += ", " + row.transport;
  if (row.first != row.last) text += ", ports " + std::to_string(row.first) + " to " + std::to_string(row.last);
  if (!row.assignee.empty()) text += "; assignee " + row.assignee;
  if (!row.registered.empty()) text += "; registered " + row.registered;
  if (!row.modified.empty()) text += "; modified " + row.modified;
  if (!row.note.empty()) text += "; " + row.note;
  return text;
}

bool is_local(const v1::RegistryEntry& row) { return row.note == "/etc/services"; }
bool is_former(const v1::RegistryEntry& row) { return row.note.starts_with("no more"); }
bool is_assigned(const v1::RegistryEntry& row) { return !is_local(row) && !is_former(row) && !row.name.empty(); }

std::string registry_paragraph(const v1::WhyResponse& facts) {
  const std::string port = std::to_string(facts.port);
  std::string text;
  constexpr std::uint32_t kFirstDynamic = 49152;
  if (std::any_of(facts.registry.begin(), facts.registry.end(), is_assigned)) text = "Port " + port + " is registered with IANA:\n";
  else if (facts.port >= kFirstDynamic) text = "Port " + port + " is in the dynamic range (49152 to 65535): never registered, for anyone's use.\n";
  else if (facts.registry.empty()) text = "Port " + port + " is registered to nobody.\n";
  else text = "Port " + port + " is assigned to nobody; the registry says of it:\n";
  for (const v1::RegistryEntry& row : facts.registry) {
    if (!is_local(row)) add_sentence(text, "  " + row_text(row));
  }
  for (const v1::RegistryEntry& row : facts.registry) {
    if (is_local(row)) add_sentence(text, "  /etc/services of this machine calls it " + row.name + ", " + row.transport);
  }
  return text;
}

std::string listener_paragraph(const v1::Listener& listener) {
  std::string text = listener.protocol + " " + listener.address + ":" + std::to_string(listener.port);
  if (listener.address.find(':') != std::string::npos) text = listener.protocol + " [" + listener.address + "]:" + std::to_string(listener.port);
  if (!listener.netns.empty()) text += " in network namespace " + listener.netns;
  text += "  [" + listener.verdict + "]\n  " + listener.why + ".\n";
  const v1::Owner owner = listener.owner.value_or(v1::Owner{});
  if (!owner.executable.empty()) add_sentence(text, "  - runs " + owner.executable + (owner.user.empty() ? "" : " as " + owner.user) + (owner.unit.empty() ? "" : ", " + owner.unit));
  if (!owner.command.empty()) add_sentence(text, "  - command: " + owner.command);
  for (const std::string& one : listener.identity.value_or(v1::Identity{}).evidence) add_sentence(text, "  - " + one);
  return text;
}

}  // namespace

v1::RegistryEntry told(const Registration& row) {
  v1::RegistryEntry entry;
  entry.name = row.name;
  entry.transport = row.transport_text();
  entry.first = row.first;
  entry.last = row.last;
  entry.description = row.description;
  entry.assignee = row.assignee;
  entry.registered = row.registered;
  entry.modified = row.modified;
  entry.note = row.note;
  if (row.era == Era::no_more) entry.note = entry.note.empty() ? "no more in the registry" : "no more in the registry; " + entry.note;
  return entry;
}

v1::Listener told(const Listener& listener) {
  v1::Listener out;
  out.protocol = name(listener.socket.transport);
  out.address = ip_text(listener.socket);
  out.port = listener.socket.port;
  out.netns = listener.netns;
  const auto& known = listener.registry;
  for (const Registration* row : known.rows) out.registry.push_back(told(*row));
  if (const std::string history = known.history(); !history.empty()) {
    if (out.registry.empty()) out.registry.emplace_back().first = out.registry.back().last = out.port;
    auto& note = out.registry.front().note;
    note = note.empty() ? history : history + "; " + note;
  }
  const auto names = known.names();
  for (const Registration* row : known.overlay) {
    if (std::find(names.begin(), names.end(), row->name) == names.end()) out.registry.push_back(told(*row));
  }
  out.registry_status = name(known.status);
  const Identity& identity = listener.identity;
  out.identity = v1::Identity{std::string(name(identity.status)), identity.protocol, identity.product, identity.version, identity.confidence, identity.evidence};
  const Owner& owner = listener.owner;
  out.owner = v1::Owner{std::string(name(owner.status)), owner.pid, owner.process, owner.user, owner.unit, owner.container, owner.package, owner.executable, owner.command};
  out.exposure = name(listener.exposure);
  out.novelty = name(listener.novelty);
  out.verdict = name(listener.verdict);
  out.why = listener.why;
  return out;
}

std::string why_text(const v1::WhyResponse& facts) {
  std::string text = registry_paragraph(facts) + "\n";
  if (facts.listeners.empty()) text += facts.unseen.empty() ? "Nothing listens on it here, in any network namespace.\n" : "Nothing that I can see listens on it.\n";
  for (std::size_t i = 0; i < facts.listeners.size(); ++i) text += (i == 0 ? "" : "\n") + listener_paragraph(facts.listeners[i]);
  for (const std::string& unseen : facts.unseen) text += "\nNot seen: " + unseen + ".\n";
  return text;
}

}  // namespace ghost::portlight
