#include <cstdlib>

#include "ardus/message.h"

namespace {

using namespace ghost;
using namespace ghost::ardus;

void must(bool holds) {
  if (!holds) std::abort();
}

/// What is read is written back as the same bytes, or as others that are read the same.
void check_control(BytesView datagram) {
  const auto control = read_control(datagram);
  if (!control) return;
  Bytes again = write_control(*control);
  again.resize(again.size() + sizeof(Signature));
  const auto read = read_control(again);
  must(read && *read == *control);
}

void check_digests(BytesView datagram) {
  const auto list = read_digests(datagram);
  if (!list) return;
  must(!list->digests.empty() && list->first.value + list->digests.size() <= kSymbolEnd);
  const Bytes again = write_digests(*list);
  must(std::equal(again.begin(), again.end(), datagram.begin()));
}

void check_report(BytesView bytes) {
  for (const bool measured : {false, true}) {
    const auto body = read_report_body(bytes, measured);
    if (!body) continue;
    const auto again = read_report_body(write_report_body(*body), measured);
    must(again.has_value());
    must(again->deficits.size() == body->deficits.size() || again->more);
  }
}

void check_data(BytesView datagram) {
  for (const Layout layout : {Layout::standard, Layout::jumbo}) {
    const auto header = read_data_header(datagram, layout);
    if (!header) continue;
    must(datagram.size() == data_datagram(layout));
    std::uint8_t written[kDataHeader];
    write_data_header(*header, written);
    must(std::equal(written, written + kDataHeader, datagram.data()));
  }
}

void check_trial(BytesView datagram) {
  const auto trial = read_trial(datagram);
  if (!trial) return;
  const Bytes again = write_trial(*trial);
  must(again.size() + sizeof(Signature) == datagram.size() && std::equal(again.begin(), again.end(), datagram.begin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes(data, size);
  (void)message_type(bytes);
  check_control(bytes);
  check_digests(bytes);
  check_report(bytes);
  check_data(bytes);
  check_trial(bytes);
  if (const auto report = read_report_header(bytes)) must(report->receiver.value == std::uint32_t{data[16]} + (std::uint32_t{data[17]} << 8) + (std::uint32_t{data[18]} << 16) + (std::uint32_t{data[19]} << 24));
  (void)read_announcement(bytes);
  return 0;
}
