// protoc-gen-b2: makes C++ or TypeScript of .proto files for protoc.
//
//   protoc --plugin=protoc-gen-b2 --b2_out=DIR [--b2_opt=namespace_prefix=ghost] b2/v1/core.proto
//
// writes DIR/b2/v1/core.b2.h and core.b2.cc; with --b2_opt=lang=ts it writes DIR/b2/v1/core.ts, where DIR is beside the folder
// b2/ that has proto.ts.
#include <google/protobuf/compiler/code_generator.h>
#include <google/protobuf/compiler/plugin.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream.h>

#include <memory>

#include "b2/codegen/cpp.h"
#include "b2/codegen/ts.h"

namespace ghost::b2::codegen {
namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

class Generator : public pb::compiler::CodeGenerator {
 public:
  std::uint64_t GetSupportedFeatures() const override { return FEATURE_PROTO3_OPTIONAL; }

  bool Generate(const pb::FileDescriptor* file, const std::string& parameter, pb::compiler::GeneratorContext* context,
                std::string* error) const override {
    std::string prefix;
    bool typescript = false;
    Options options;
    pb::compiler::ParseGeneratorParameter(parameter, &options);
    for (const auto& [key, value] : options) {
      if (key == "namespace_prefix") {
        prefix = value;
      } else if (key == "lang" && (value == "ts" || value == "cpp")) {
        typescript = value == "ts";
      } else {
        *error = "protoc-gen-b2 has no option " + key + "=" + value + "; it has lang=cpp, lang=ts and namespace_prefix=…";
        return false;
      }
    }
    *error = refusal(*file);
    if (!error->empty()) return false;
    if (typescript) {
      write(*context, stem(*file) + ".ts", TypeScript(*file).source());
    } else {
      const Cpp cpp(*file, prefix);
      write(*context, stem(*file) + ".b2.h", cpp.header());
      write(*context, stem(*file) + ".b2.cc", cpp.source());
    }
    return true;
  }

 private:
  static void write(pb::compiler::GeneratorContext& context, const std::string& path, const std::string& text) {
    const std::unique_ptr<pb::io::ZeroCopyOutputStream> stream(context.Open(path));
    pb::io::CodedOutputStream(stream.get()).WriteString(text);
  }
};

}  // namespace
}  // namespace ghost::b2::codegen

int main(int argc, char** argv) {
  const ghost::b2::codegen::Generator generator;
  return google::protobuf::compiler::PluginMain(argc, argv, &generator);
}
