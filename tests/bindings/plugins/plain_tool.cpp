/// Stands in for the tools that a run needs after its trainings ("metrics", "rank_features", "write_scores"), in C++ alone: it looks at
/// nothing and finds every model equally good. Built once a tool, which OPHION_TEST_TOOL names.
#include <ophion/plugin.h>

namespace {

class PlainJob final : public ophion::Job {
 public:
  ophion::ToolResult run(const ophion::Value&, const ophion::Columns&) override {
    return {ophion::read_json(R"({"primary": {"name": "auc", "higher_is_better": true}, "auc": 0.5, "separation": []})", OPHION_TEST_TOOL), {}};
  }
  ophion::ToolResult finish() override { return {}; }
};

class PlainTool final : public ophion::Tool {
 public:
  std::unique_ptr<ophion::Job> start(const ophion::Value&) const override { return std::make_unique<PlainJob>(); }
};

}  // namespace

OPHION_TOOL(OPHION_TEST_TOOL, ophion::NeedsPython::no, PlainTool)
