// Makes node states for the tests: make_house DIR NAME[=roles]…: the first keeps the house, the others are its members with these
// roles; NAME= alone, without a role, stays outside. make_house --revoke DIR NAME: the keeper whose state is in DIR takes a member out.
#include <filesystem>
#include <iostream>

#include "b2/house.h"

using namespace ghost;

static Status make(const std::filesystem::path& directory, const std::vector<std::string>& wishes) {
  const WallTime now = std::chrono::system_clock::now();
  std::optional<b2::House> house;
  for (const std::string& wish : wishes) {
    const std::string name = wish.substr(0, wish.find('='));
    auto node = b2::NodeState::open_or_create(directory / name, name, now);
    if (!node) return node.error();
    std::cout << name << " " << node->id().words() << "\n";
    if (!house) {
      auto made = b2::House::create(*node, "Test Archive", now);
      if (!made) return made.error();
      house.emplace(std::move(*made));
      continue;
    }
    if (wish.ends_with('=')) continue;
    const auto roles = b2::Roles::parse(wish.substr(name.size() + 1));
    if (!roles) return roles.error();
    const auto leaf = house->issue(node->key().public_key(), name, *roles, now);
    if (!leaf) return leaf.error();
    auto membership = b2::Membership::from_certificates({*leaf, house->trust().certificate()}, node->key().public_key(), now);
    if (!membership) return membership.error();
    if (Status joined = node->join(std::move(*membership)); !joined) return joined;
  }
  return {};
}

static Status revoke(const std::filesystem::path& directory, std::string_view name) {
  const WallTime now = std::chrono::system_clock::now();
  auto keeper = b2::NodeState::open_or_create(directory, "keeper", now);
  if (!keeper) return keeper.error();
  const auto house = b2::House::open(directory);
  if (!house) return house.error();
  const auto out = house->revoke(*keeper, name, now);
  return out ? Status() : Status(out.error());
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const Status made = std::string_view(argv[1]) == "--revoke" ? revoke(argv[2], argv[argc - 1]) : make(argv[1], std::vector<std::string>(argv + 2, argv + argc));
  if (!made) std::cerr << made.error().message << "\n";
  return made ? 0 : 1;
}
