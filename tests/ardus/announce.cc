// Prints an announcement in hexadecimal, signed by the node whose state is in DIR: announce DIR SESSION SEQUENCE MS HOST PORT CONTENT.
// For the tests, which send what a stranger, or somebody who kept an old one, might.
#include <iostream>

#include "ardus/message.h"
#include "b2/house.h"
#include "base/bytes.h"

using namespace ghost;

int main(int argc, char** argv) {
  if (argc != 8) return 2;
  const auto node = b2::NodeState::open_or_create(argv[1], "forger", std::chrono::system_clock::now());
  const auto content = from_hex(argv[7]);
  if (!node || !content || content->size() != 32) return 1;
  ardus::Announcement told;
  told.session = static_cast<std::uint32_t>(std::stoul(argv[2]));
  told.sequence = std::stoull(argv[3]);
  told.time_ms = std::stoull(argv[4]);
  told.sender = node->key().public_key();
  std::copy(content->begin(), content->end(), told.content.begin());
  told.bytes = 1'000'000;
  told.control_port = static_cast<std::uint16_t>(std::stoul(argv[6]));
  told.control.family = told.group.family = 4;
  std::uint8_t at = 0, part = 0;
  for (const char* c = argv[5];; ++c) {
    if (*c == '.' || *c == '\0') {
      told.control.bytes[at++] = part;
      part = 0;
      if (*c == '\0' || at == 4) break;
    } else {
      part = static_cast<std::uint8_t>(part * 10 + (*c - '0'));
    }
  }
  told.group.bytes = {239, 255, 64, 9};
  told.name = "album";
  std::cout << to_hex(ardus::sign_announcement(told, node->key())) << "\n";
}
