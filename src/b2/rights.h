#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "b2/identity.h"
#include "base/config.h"
#include "base/result.h"

namespace ghost::b2 {

/// One [[rights]] of the configuration that names methods: what else it takes to call them.
struct MethodRight {
  std::string match;  ///< "ardus.v1.Node/*": "*" stands for any characters
  std::string needs;  ///< alternatives, as Identity::may() takes them
  bool instead = false;  ///< of what the schema says, not besides
  std::string origin;    ///< "/etc/ghostlight/ghostlight.toml:12"
};

/// One that names topics. An empty need adds nothing.
struct TopicRight {
  std::string pattern;
  std::string publish, read;
  bool instead = false;
  std::string origin;
};

/// What the configuration says of who may do what (docs/spec/b2.md §9), beside what the schemas say. It narrows: a caller must meet both, and
/// the first row that fits decides. A row with `instead` takes the place of the schema's need, but nothing that is not public becomes so.
class Rights {
 public:
  /// Rows of the file as Config has them. Errors name the line.
  static Result<Rights> read(const std::vector<ConfigTable>& rows);

  /// What a method needs here: the schema's `needs` and what the first row that fits makes of it. Once narrowed stays as it is, so a host
  /// and its child may both apply the same row.
  std::string needs(std::string_view service, std::string_view method, std::string_view needs) const;
  const std::vector<MethodRight>& methods() const { return methods_; }
  const std::vector<TopicRight>& topics() const { return topics_; }

 private:
  std::vector<MethodRight> methods_;
  std::vector<TopicRight> topics_;
};

/// Whether `pattern`, in which "*" stands for any characters, none too, stands for `text`.
bool matches_name(std::string_view pattern, std::string_view text);

}  // namespace ghost::b2
