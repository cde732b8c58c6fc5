// Makes node states for the tests: make_house DIR NAME[=roles]…: the first keeps the house, the others are its members with these
// roles; NAME= alone, without a role, stays outside.
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

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const Status made = make(argv[1], std::vector<std::string>(argv + 2, argv + argc));
  if (!made) std::cerr << made.error().message << "\n";
  return made ? 0 : 1;
}
