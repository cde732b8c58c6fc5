#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ghost::portlight {

enum class Transport : std::uint8_t { tcp, udp, sctp, dccp };
std::string_view name(Transport transport);
std::optional<Transport> parse_transport(std::string_view text);

/// When a row stood in the registry.
enum class Era : std::uint8_t {
  always,   ///< in the edition of 2015 and today's
  since,    ///< only today
  no_more,  ///< only in 2015: withdrawn, or renamed where the number has another name today
  overlay   ///< of this machine: /etc/services
};

/// One row: a run of numbers, for some transports.
struct Registration {
  std::uint16_t first = 0, last = 0;
  std::uint8_t transports = 0;  ///< bit 1 << Transport; 0 for all
  Era era = Era::always;
  std::string_view name;        ///< "b2-runtime"; "" where the row reserves the number, or names nobody
  std::string_view description, assignee, registered, modified, reference, note;

  bool covers(std::uint16_t port) const { return first <= port && port <= last; }
  bool is_for(Transport transport) const { return transports == 0 || (transports >> static_cast<unsigned>(transport) & 1) != 0; }
  /// Whether it gives the number to somebody: not reserved and not free.
  bool assigns() const;
  bool reserves() const { return name.empty() && description == "Reserved"; }
  /// "tcp,udp", "" for all.
  std::string transport_text() const;
};

/// Rows of one Registry: those that give a number to somebody, then the others, each in the registry's order.
void assigning_first(std::vector<const Registration*>& rows);

/// What the registry says of a number and a transport.
enum class RegistryStatus : std::uint8_t { assigned, several, reserved, unassigned, dynamic };
std::string_view name(RegistryStatus status);

/// One number looked up. The rows belong to the Registry.
struct Lookup {
  RegistryStatus status = RegistryStatus::unassigned;
  std::vector<const Registration*> rows;      ///< that hold today, assigning ones first
  std::vector<const Registration*> former;    ///< that held once
  std::vector<const Registration*> overlay;   ///< names of this machine

  /// Distinct names in use today, of IANA's; empty where none is assigned.
  std::vector<std::string_view> names() const;
  /// "formerly newheights", "withdrawn; once netconf-beep", or "".
  std::string history() const;
};

/// IANA's registry of port numbers, with what changed since 2015. Built once and only read after that: any thread may.
class Registry {
 public:
  /// The registry that is part of the program (data/registry).
  static Registry embedded();
  /// From text as tools/update_registry writes it; malformed names the line. At most 200,000 lines.
  static Result<Registry> parse(std::string text);
  /// A newer edition in IANA's own CSV over this one: what only this one has becomes history. Malformed names the line.
  Result<Registry> updated_from_csv(std::string_view csv) const;
  /// As parse() takes it.
  std::string text() const;

  /// Adds names of this machine, /etc/services' lines; broken lines are skipped as the C library does.
  void add_overlay(std::string_view services_file);

  Lookup lookup(std::uint16_t port, Transport transport) const;
  /// All rows that cover any of these numbers, in order, of any transport and era.
  std::vector<const Registration*> range(std::uint16_t first, std::uint16_t last) const;
  /// Rows whose name is exactly this, without regard to case.
  std::vector<const Registration*> named(std::string_view name) const;
  /// Rows in whose name, description, assignee or note the text stands, without regard to case; those with that very name first.
  std::vector<const Registration*> search(std::string_view text) const;
  /// What changed since 2015: rows that came, and rows that went.
  std::vector<const Registration*> changes() const;
  std::span<const Registration> rows() const { return rows_; }

 private:
  Registry() = default;
  void index();

  std::vector<std::shared_ptr<const std::string>> texts_;  ///< what the rows' views look into; copies share them
  std::vector<Registration> rows_;       ///< by first number
  std::vector<std::uint32_t> start_;     ///< 65,537 entries: where rows with first >= i begin
  std::vector<std::uint32_t> ranges_;    ///< rows of more than one number
};

}  // namespace ghost::portlight
