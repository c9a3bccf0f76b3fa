/// A Tool is a verb outside the flow's own stages: fit transforms, compute metrics, write scores.
#pragma once

#include <memory>

#include <ophion/dataset.h>
#include <ophion/export.h>
#include <ophion/value.h>

namespace ophion {

struct ToolResult {
  Value value;
  Columns data;
};

/// One use of a tool. Destroyed without `finish`, it leaves nothing behind.
class OPHION_EXPORT Job {
 public:
  virtual ~Job();
  /// As often as the tool allows: a writer is called once a chunk. `data` is lent for the call.
  virtual ToolResult run(const Value& arguments, const Columns& data) = 0;
  /// Ends the work; a file appears under its name now.
  virtual ToolResult finish() = 0;
};

class OPHION_EXPORT Tool {
 public:
  virtual ~Tool();
  virtual std::unique_ptr<Job> start(const Value& arguments) const = 0;
};

}  // namespace ophion
