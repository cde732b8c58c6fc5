#include "ariascribe/lookup_service.h"

#include <algorithm>
#include <cmath>

namespace ghost::ariascribe {

namespace {

constexpr std::size_t kAlternatives = 3;
constexpr double kWorthTelling = 0.02;

LookupResult result_of(const Identification& found) {
  LookupResult result;
  result.confidence = static_cast<std::uint8_t>(std::lround(255 * std::max(found.confidence("work"), 0.0)));
  result.band = found.band == Band::apply ? 1 : found.band == Band::review ? 2 : 3;
  result.movement_no = static_cast<std::uint16_t>(std::clamp(found.movement_no, 0, 9999));
  result.work_id = found.work_id;
  result.composer = found.composer;
  result.work = found.work;
  result.catalogue = found.catalogue.empty() ? "" : found.catalogue.front();
  result.key = found.key;
  result.movement = found.movement;
  return result;
}

}  // namespace

std::optional<Bytes> answer_lookup(const Knowledge& knowledge, BytesView datagram) {
  const auto call = decode_call(datagram);
  LookupAnswer answer;
  if (!call) {
    if (call.error().ignored) return std::nullopt;
    answer.nonce = call.error().nonce;
    answer.status = static_cast<std::uint16_t>(call.error().error.code);
    return encode_answer(answer, datagram.size());
  }
  TrackInput input;
  input.title = call->title;
  input.composer = call->composer;
  input.album = call->album;
  input.artist = call->artist;
  const Reading reading = knowledge.matcher.read(input);
  answer.nonce = call->nonce;
  const Identification best = knowledge.matcher.conclude(reading);
  answer.results.push_back(result_of(best));
  for (const Candidate& each : reading.candidates) {
    if (answer.results.size() == kAlternatives || each.probability < kWorthTelling) break;
    const Work& work = knowledge.matcher.work(each.work);
    if (work.id == best.work_id) continue;
    Matcher::Decided decided{each.work, each.probability, "another work that fits"};
    answer.results.push_back(result_of(knowledge.matcher.conclude(reading, decided)));
  }
  return encode_answer(answer, datagram.size());
}

Status LookupService::listen(net::Network& network, const net::Address& at) {
  net::DatagramOptions options;
  options.local = at;
  options.max_datagram = kMaxLookupBytes + 1;
  auto socket = network.open_datagram(options);
  if (!socket) return socket.error();
  net::DatagramSocket* const own = socket->get();
  own->on_datagrams([this, own](std::span<const net::Datagram> batch) { on_datagrams(*own, batch); });
  sockets_.push_back(std::move(*socket));
  return {};
}

std::vector<net::Address> LookupService::addresses() const {
  std::vector<net::Address> all;
  for (const auto& socket : sockets_) all.push_back(socket->address());
  return all;
}

void LookupService::on_datagrams(net::DatagramSocket& socket, std::span<const net::Datagram> batch) {
  const auto knowledge = knowledge_.now();
  std::vector<Bytes> answers;
  std::vector<net::Datagram> out;
  answers.reserve(batch.size());
  for (const net::Datagram& each : batch) {
    auto answer = answer_lookup(*knowledge, each.bytes);
    if (!answer) continue;
    answers.push_back(std::move(*answer));
    net::Datagram datagram;
    datagram.from = each.to;
    datagram.to = each.from;
    datagram.bytes = answers.back();
    datagram.interface = each.interface;
    out.push_back(std::move(datagram));
  }
  socket.send(out);
}

}  // namespace ghost::ariascribe
