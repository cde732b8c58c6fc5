#include "b2/metrics.h"

#include <gtest/gtest.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "b2/test_service.h"

namespace ghost::b2 {

namespace {

using namespace std::chrono_literals;

using Labels = std::map<std::string, std::string>;

struct Sample {
  std::string name;
  Labels labels;
  double value;
};
struct Family {
  std::string type;
  std::vector<Sample> samples;
};

/// Reads the text format 0.0.4 and takes nothing that the format leaves to a scraper's kindness: every family has HELP and TYPE once and
/// stands together, no series comes twice, counters end in _total, histograms are whole.
class StrictReader {
 public:
  explicit StrictReader(std::string_view text) : rest_(text) {
    if (!text.ends_with('\n')) complain("the last line does not end");
    while (problem_.empty() && !rest_.empty()) line(next_line());
    close_family();
  }

  std::map<std::string, Family> families;
  const std::string& problem() const { return problem_; }

  const Sample* find(const std::string& name, const Labels& labels = {}) const {
    for (const auto& [family, read] : families) {
      for (const Sample& sample : read.samples) {
        if (sample.name == name && sample.labels == labels) return &sample;
      }
    }
    return nullptr;
  }
  double value(const std::string& name, const Labels& labels = {}) const {
    const Sample* sample = find(name, labels);
    return sample != nullptr ? sample->value : std::nan("");
  }

 private:
  void complain(const std::string& what) {
    if (problem_.empty()) problem_ = what + ": " + std::string(line_);
  }
  std::string_view next_line() {
    const auto end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
    return line_;
  }

  static bool is_name(std::string_view text, bool colon) {
    if (text.empty() || (text[0] >= '0' && text[0] <= '9')) return false;
    for (const char c : text) {
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      if (!letter && !(colon && c == ':')) return false;
    }
    return true;
  }

  void line(std::string_view text) {
    if (text.starts_with("# HELP ")) return help(text.substr(7));
    if (text.starts_with("# TYPE ")) return type(text.substr(7));
    if (text.empty() || text[0] == '#') return complain("neither HELP, TYPE nor a sample");
    sample(text);
  }

  void help(std::string_view text) {
    close_family();
    const auto space = text.find(' ');
    if (space == std::string_view::npos || space + 1 == text.size()) return complain("HELP without a text");
    family_ = text.substr(0, space);
    if (!is_name(family_, true)) return complain("no name of a metric");
    if (families.contains(family_)) return complain("a family that was told before");
    families[family_];
  }

  void type(std::string_view text) {
    const auto space = text.find(' ');
    if (family_.empty() || text.substr(0, space) != family_) return complain("TYPE of another family than HELP");
    Family& family = families[family_];
    if (!family.type.empty() || !family.samples.empty()) return complain("TYPE where it may not stand");
    family.type = space == std::string_view::npos ? "" : text.substr(space + 1);
    if (!std::set<std::string>{"counter", "gauge", "histogram"}.contains(family.type)) return complain("no type");
    if ((family.type == "counter") != family_.ends_with("_total")) return complain("counters, and they alone, end in _total");
  }

  void sample(std::string_view text) {
    const auto end = text.find_first_of("{ ");
    if (end == std::string_view::npos) return complain("no value");
    Sample read{std::string(text.substr(0, end)), {}, 0};
    text.remove_prefix(end);
    if (text[0] == '{' && !labels(text, read.labels)) return;
    if (!text.starts_with(' ')) return complain("no blank before the value");
    text.remove_prefix(1);
    const auto value = number(text);
    if (!value) return complain("no number");
    read.value = *value;
    place(std::move(read));
  }

  bool labels(std::string_view& text, Labels& into) {
    text.remove_prefix(1);
    while (true) {
      const auto equals = text.find("=\"");
      if (equals == std::string_view::npos || !is_name(text.substr(0, equals), false)) return complain("no label"), false;
      const std::string name(text.substr(0, equals));
      text.remove_prefix(equals + 2);
      std::string value;
      if (!label_value(text, value)) return complain("no value of a label"), false;
      if (!into.emplace(name, value).second) return complain("a label twice"), false;
      if (text.starts_with('}')) return text.remove_prefix(1), true;
      if (!text.starts_with(',')) return complain("labels that do not end"), false;
      text.remove_prefix(1);
    }
  }

  static bool label_value(std::string_view& text, std::string& value) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"') return text.remove_prefix(i + 1), true;
      if (text[i] != '\\') {
        value += text[i];
        continue;
      }
      if (++i == text.size() || std::string_view("\\\"n").find(text[i]) == std::string_view::npos) return false;
      value += text[i] == 'n' ? '\n' : text[i];
    }
    return false;
  }

  static std::optional<double> number(std::string_view text) {
    if (text == "+Inf") return std::numeric_limits<double>::infinity();
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
    return value;
  }

  void place(Sample read) {
    if (family_.empty() || families[family_].type.empty()) return complain("a sample without HELP and TYPE");
    Family& family = families[family_];
    const std::string suffix = read.name.starts_with(family_) ? read.name.substr(family_.size()) : "?";
    const bool fits = family.type == "histogram" ? suffix == "_bucket" || suffix == "_sum" || suffix == "_count" : suffix.empty();
    if (!fits) return complain("a sample of another family");
    if (read.value < 0) return complain("less than nothing");
    if (!seen_.emplace(read.name, read.labels).second) return complain("a series twice");
    family.samples.push_back(std::move(read));
  }

  void close_family() {
    if (family_.empty() || !problem_.empty()) return;
    const Family& family = families[family_];
    if (family.type.empty()) return complain("HELP without TYPE");
    if (family.type == "histogram") check_histograms(family);
  }

  /// Buckets rise to +Inf, which is _count; _sum is there.
  void check_histograms(const Family& family) {
    std::map<Labels, std::vector<std::pair<double, double>>> buckets;
    for (const Sample& sample : family.samples) {
      if (!sample.name.ends_with("_bucket")) continue;
      Labels labels = sample.labels;
      const auto bound = labels.contains("le") ? number(labels["le"]) : std::nullopt;
      if (!bound) return complain("a bucket without a bound");
      labels.erase("le");
      auto& those = buckets[labels];
      if (!those.empty() && (*bound <= those.back().first || sample.value < those.back().second)) return complain("buckets that do not rise");
      those.emplace_back(*bound, sample.value);
    }
    for (const auto& [labels, those] : buckets) {
      if (!std::isinf(those.back().first) || value(family_ + "_count", labels) != those.back().second) return complain("no bucket +Inf that is _count");
      if (find(family_ + "_sum", labels) == nullptr) return complain("no _sum");
    }
  }

  std::string_view rest_, line_;
  std::string problem_, family_;
  std::set<std::pair<std::string, Labels>> seen_;
};

struct Served {
  Served() {
    endpoint.program = "ariascribe 0.1.0";
    endpoint.services.add(service);
  }
  MethodCounters& method(std::string_view name) { return endpoint.services.find("test.v1.Test", name)->counters; }
  std::string text(const std::vector<HostedCount>& hosted = {}) const { return prometheus_text(endpoint, stats, hosted); }

  test::TestService service;
  Endpoint endpoint;
  v1::StatsResponse stats;
};

Labels of(const std::string& method, Labels more = {}) {
  more["service"] = "test.v1.Test";
  more["method"] = method;
  return more;
}

}  // namespace

TEST(Metrics, AnEndpointThatDidNothingYetIsTextThatAStrictReaderTakes) {
  Served served;
  const StrictReader read(served.text());
  EXPECT_EQ(read.problem(), "");
  EXPECT_EQ(read.value("ghostlight_build_info", {{"program", "ariascribe"}, {"version", "0.1.0"}}), 1);
  EXPECT_EQ(read.value("b2_calls_total", of("Echo", {{"status", "ok"}})), 0) << "a series is there before its first call";
  EXPECT_EQ(read.value("b2_refused_total", {{"reason", "call_right"}}), 0);
}

TEST(Metrics, CallsAreToldByMethodAndStatus) {
  Served served;
  MethodCounters& echo = served.method("Echo");
  for (int i = 0; i < 7; ++i) echo.began();
  for (int i = 0; i < 3; ++i) echo.ended(MethodCounters::kOk);
  echo.ended(Errc::not_found);
  echo.ended(Errc::cancelled);
  served.method("Count").began();
  const StrictReader read(served.text());
  ASSERT_EQ(read.problem(), "");
  EXPECT_EQ(read.value("b2_calls_total", of("Echo", {{"status", "ok"}})), 3);
  EXPECT_EQ(read.value("b2_calls_total", of("Echo", {{"status", "not_found"}})), 1);
  EXPECT_EQ(read.value("b2_calls_total", of("Echo", {{"status", "cancelled"}})), 1);
  EXPECT_EQ(read.find("b2_calls_total", of("Echo", {{"status", "io"}})), nullptr) << "a status that never came up is no series";
  EXPECT_EQ(read.value("b2_calls_open", of("Echo")), 2);
  EXPECT_EQ(read.value("b2_streams_open"), 1) << "Count streams, Echo does not";
  EXPECT_EQ(echo.told().failed, 1u) << "a caller that gave up is no failure";
}

TEST(Metrics, DurationsFillAHistogramWhoseBoundsArePowersOfFour) {
  Served served;
  MethodCounters& echo = served.method("Echo");
  for (const auto time : {10us, 15us, 17us, 300us}) echo.took(time);
  echo.took(2min);
  const StrictReader read(served.text());
  ASSERT_EQ(read.problem(), "");
  const std::string bucket = "b2_call_duration_seconds_bucket";
  EXPECT_EQ(read.value(bucket, of("Echo", {{"le", "1.6e-05"}})), 2);
  EXPECT_EQ(read.value(bucket, of("Echo", {{"le", "6.4e-05"}})), 3);
  EXPECT_EQ(read.value(bucket, of("Echo", {{"le", "0.001024"}})), 4);
  EXPECT_EQ(read.value(bucket, of("Echo", {{"le", "67.108864"}})), 4);
  EXPECT_EQ(read.value(bucket, of("Echo", {{"le", "+Inf"}})), 5);
  EXPECT_NEAR(read.value("b2_call_duration_seconds_sum", of("Echo")), 120.000342, 1e-6);
  EXPECT_EQ(read.find("b2_call_duration_seconds_count", of("Hold")), nullptr) << "a method that was never timed has no histogram";
}

TEST(Metrics, RefusalsHaveAReasonEach) {
  Served served;
  for (std::size_t why = 0; why < static_cast<std::size_t>(Refusal::count_); ++why) {
    for (std::size_t i = 0; i <= why; ++i) served.endpoint.counters.refuse(static_cast<Refusal>(why));
  }
  const StrictReader read(served.text());
  ASSERT_EQ(read.problem(), "");
  EXPECT_EQ(read.families.at("b2_refused_total").samples.size(), static_cast<std::size_t>(Refusal::count_));
  EXPECT_EQ(read.value("b2_refused_total", {{"reason", "connection_limit"}}), 1);
  EXPECT_EQ(read.value("b2_refused_total", {{"reason", "http_token"}}), 13);
  EXPECT_EQ(served.endpoint.counters.refused_total(), 91u);
}

TEST(Metrics, HostedChildrenAreToldWithTheirRestarts) {
  Served served;
  const StrictReader read(served.text({{"ardus", true, 0}, {"odd \"name\"\\\n", false, 3}}));
  ASSERT_EQ(read.problem(), "");
  EXPECT_EQ(read.value("b2_child_ready", {{"child", "ardus"}}), 1);
  EXPECT_EQ(read.value("b2_child_restarts_total", {{"child", "odd \"name\"\\\n"}}), 3);
}

TEST(Metrics, TheBridgeToOtherNodesIsTold) {
  v1::BridgeListResponse bridge;
  bridge.connected = true;
  bridge.nodes.resize(3);
  bridge.nodes[1].alive = true;
  bridge.counts.emplace().lost = 7;
  const StrictReader read(bridge_metrics(bridge));
  ASSERT_EQ(read.problem(), "");
  EXPECT_EQ(read.value("b2_nats_connected"), 1);
  EXPECT_EQ(read.value("b2_nats_nodes"), 1);
  EXPECT_EQ(read.value("b2_nats_lost_total"), 7);
}

TEST(Metrics, HowManySeriesThereAreIsNotTheCallersToSay) {
  Served served;
  const auto series = [&] {
    const StrictReader read(served.text());
    std::size_t count = 0;
    for (const auto& [name, family] : read.families) count += family.samples.size();
    return count;
  };
  for (const MethodInfo& method : test::kMethods) {
    for (std::uint16_t status = 0; status < 1000; ++status) {
      served.method(method.name).began();
      served.method(method.name).ended(status);
      served.method(method.name).took(std::chrono::microseconds(status) * 100'000);
    }
  }
  const std::size_t most = 30 + std::size(test::kMethods) * (1 + MethodCounters::kStatuses + 15);
  EXPECT_LE(series(), most);
}

TEST(Metrics, TheStrictReaderRefusesWhatIsNoExposition) {
  const std::string head = "# HELP a_total x\n# TYPE a_total counter\n";
  EXPECT_EQ(StrictReader(head + "a_total 1\n").problem(), "");
  for (const std::string& wrong :
       {std::string("a_total 1\n"), head + "a_total 1", head + "b 1\n", head + "a_total one\n", head + "a_total -1\n", head + "a_total 1\na_total 2\n",
        head + "a_total{x=1} 1\n", head + "a_total{x=\"1} 1\n", head + "a_total{x=\"1\",x=\"2\"} 1\n", head + "a_total{1=\"1\"} 1\n", head + "a_total{x=\"\\t\"} 1\n",
        head + head, head + "\n", std::string("# HELP a x\n# TYPE a counter\n"), std::string("# HELP a x\n# TYPE b gauge\n"), std::string("# HELP a x\na 1\n"),
        std::string("# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n"),
        std::string("# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 1\nh_count 1\n"),
        std::string("# HELP h x\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n")}) {
    EXPECT_NE(StrictReader(wrong).problem(), "") << wrong;
  }
}

}  // namespace ghost::b2
