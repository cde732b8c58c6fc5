// What `b2 call` and `b2 trace` have in common.
#include "called.h"

#include <iostream>
#include <nlohmann/json.hpp>

#include "b2/message.h"
#include "b2/v1/core.b2.h"

namespace ghost::app {

Result<Called> Called::read(const Arguments& arguments, const std::string& verb) {
  std::vector<std::string> words = arguments.all("WORDS");
  Called called;
  called.at = arguments.text("at");
  // `b2 call 127.0.0.1:2203 service/method '{}'`: the address may stand first.
  if (!words.empty() && words[0].find(':') != std::string::npos) {
    called.at = words[0];
    words.erase(words.begin());
  }
  const auto slash = words.empty() ? std::string::npos : words[0].find('/');
  if (slash == std::string::npos || words.size() > 2) {
    return Error{Errc::malformed, verb + " takes [ADDR] SERVICE/METHOD [JSON], as in: b2 " + verb + " b2.v1.Core/Health '{}'"};
  }
  called.service = words[0].substr(0, slash);
  called.method = words[0].substr(slash + 1);
  called.has_json = words.size() == 2;
  if (called.has_json) called.json = words[1];
  return called;
}

Result<b2::JsonCodec> schema_of(Session& session, const std::string& service) {
  b2::v1::DescribeRequest request;
  request.service = service;
  request.descriptors = true;
  const auto answer = session.call("b2.v1.Core", "Describe", b2::encode(request), std::chrono::seconds(10));
  if (!answer) return answer.error();
  const auto response = b2::decode<b2::v1::DescribeResponse>(*answer);
  if (!response) return response.error();
  return b2::JsonCodec(response->file_descriptor_set);
}

b2::v1::MethodKind kind_of(const b2::v1::Hello& hello, const Called& called) {
  for (const b2::v1::ServiceEntry& entry : hello.services) {
    if (entry.name != called.service) continue;
    for (const b2::v1::Method& told : entry.methods) {
      if (told.name == called.method) return told.kind;
    }
  }
  return b2::v1::MethodKind::unary;
}

int fail_called(const Arguments& arguments, const Error& error) {
  if (!arguments.has("json")) return complain("b2", error);
  const nlohmann::ordered_json line = {{"v", 1}, {"event", "error"}, {"status", name(error.code)}, {"message", error.message}, {"code", code(exit_code_of(error))}};
  std::cout << line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  return code(exit_code_of(error));
}

}  // namespace ghost::app
