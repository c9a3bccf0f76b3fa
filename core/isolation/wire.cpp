/// What crosses between a program and its worker, as bytes.
#include "isolation/wire.h"

#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include <ophion/error.h>

namespace ophion {
namespace {

constexpr int deepest = 200;

class Packer {
 public:
  void add(const Value& value) {
    number(static_cast<std::uint8_t>(value.type()));
    switch (value.type()) {
      case Value::Type::null: break;
      case Value::Type::boolean: number(static_cast<std::uint8_t>(value.as_boolean())); break;
      case Value::Type::integer: number(value.as_integer()); break;
      case Value::Type::real: number(value.as_number()); break;
      case Value::Type::text: text(value.as_text()); break;
      case Value::Type::array:
        number(std::uint64_t{value.size()});
        for (const Value& item : value.as_array()) add(item);
        break;
      case Value::Type::object:
        number(std::uint64_t{value.size()});
        for (const auto& [key, member] : value.as_object()) {
          text(key);
          add(member);
        }
        break;
    }
  }
  std::string bytes;

 private:
  template <class T>
  void number(T value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(const std::string& value) {
    number(std::uint64_t{value.size()});
    bytes += value;
  }
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : bytes_(bytes) {}

  Value whole() {
    Value value = next(0);
    if (!bytes_.empty()) refuse();
    return value;
  }

 private:
  [[noreturn]] static void refuse() { throw WorkerError("a worker process sent a message that can't be read"); }

  Value next(int depth) {
    if (depth > deepest) refuse();
    switch (static_cast<Value::Type>(number<std::uint8_t>())) {
      case Value::Type::null: return {};
      case Value::Type::boolean: return number<std::uint8_t>() != 0;
      case Value::Type::integer: return number<std::int64_t>();
      case Value::Type::real: return number<double>();
      case Value::Type::text: return text();
      case Value::Type::array: {
        Value::Array items;
        for (std::uint64_t left = number<std::uint64_t>(); left > 0; --left) items.push_back(next(depth + 1));
        return items;
      }
      case Value::Type::object: {
        Value::Object members;
        for (std::uint64_t left = number<std::uint64_t>(); left > 0; --left) {
          std::string key = text();
          members.emplace_back(std::move(key), next(depth + 1));
        }
        return members;
      }
    }
    refuse();
  }
  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(take(number<std::uint64_t>())); }
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) refuse();
    const std::string_view front = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return front;
  }

  std::string_view bytes_;
};

/// What the error adds to "doing: type: message" stands after it, so `doing` is what comes before.
std::string doing_of(const PythonError& error) {
  const std::string ending = PythonError("", error.type(), error.message(), error.traceback(), {}).what();
  const std::string whole = error.what();
  return whole.substr(0, whole.size() - ending.size());
}

}  // namespace

std::string pack(const Value& value) {
  Packer packer;
  packer.add(value);
  return std::move(packer.bytes);
}

Value unpack(std::string_view bytes) { return Unpacker(bytes).whole(); }

Value to_value(const std::exception& error) {
  Value value = Value::object();
  value.set("text", error.what());
  value.set("out_of_memory", dynamic_cast<const std::bad_alloc*>(&error) != nullptr);
  const auto* ours = dynamic_cast<const Error*>(&error);
  value.set("code", static_cast<int>(ours ? ours->code() : ErrorCode::failed));
  if (const auto* config = dynamic_cast<const ConfigError*>(&error)) {
    value.set("file", config->file());
    value.set("pointer", config->pointer());
    value.set("problem", config->problem());
  }
  if (const auto* python = dynamic_cast<const PythonError*>(&error)) {
    value.set("doing", doing_of(*python));
    value.set("type", python->type());
    value.set("message", python->message());
    value.set("traceback", python->traceback());
    Value causes = Value::array();
    for (const PythonError::Cause& cause : python->causes()) causes.push_back(Value::Array{cause.type, cause.message});
    value.set("causes", std::move(causes));
  }
  return value;
}

void rethrow(const Value& error, const std::string& out_of_memory) {
  const std::string& text = error.at("text").as_text();
  if (error.at("out_of_memory").as_boolean()) throw WorkerError(out_of_memory);
  switch (static_cast<ErrorCode>(error.at("code").as_integer())) {
    case ErrorCode::failed: break;
    case ErrorCode::config:
      throw ConfigError(error.at("file").as_text(), error.at("pointer").as_text(), error.at("problem").as_text());
    case ErrorCode::data: throw DataError(text);
    case ErrorCode::python: {
      std::vector<PythonError::Cause> causes;
      for (const Value& cause : error.at("causes").as_array()) causes.push_back({cause.at(0).as_text(), cause.at(1).as_text()});
      throw PythonError(error.at("doing").as_text(), error.at("type").as_text(), error.at("message").as_text(),
                        error.at("traceback").as_text(), std::move(causes));
    }
    case ErrorCode::model: throw ModelError(text);
    case ErrorCode::plugin: throw PluginError(text);
    case ErrorCode::interrupted: throw Interrupted(text);
    case ErrorCode::trust: throw TrustError(text);
    case ErrorCode::time_limit: throw TimeLimit(text);
    case ErrorCode::worker: throw WorkerError(text);
  }
  throw Error(text);
}

Value to_value(const Spec& spec) {
  Value value = Value::object();
  value.set("task", spec.task);
  value.set("features", Value(spec.features));
  value.set("classes", Value(spec.classes));
  value.set("targets", Value(spec.targets));
  return value;
}

Spec spec_from(const Value& value) {
  return {value.at("task").as_text(), value.at("features").as_texts(), value.at("classes").as_texts(), value.at("targets").as_texts()};
}

Value to_value(const CallOptions& call) {
  Value value = Value::object();
  value.set("threads", call.threads);
  value.set("time_limit", call.time_limit);
  return value;
}

CallOptions call_from(const Value& value) {
  CallOptions call;
  call.threads = static_cast<int>(value.at("threads").as_integer());
  call.time_limit = value.at("time_limit").as_number();
  return call;
}

Value to_value(const TrainContext& context) {
  Value value = Value::object();
  value.set("name", context.name);
  value.set("spec", to_value(context.spec));
  value.set("options", context.options);
  value.set("seed", static_cast<std::int64_t>(context.seed));
  value.set("call", to_value(context.call));
  value.set("checkpoints", context.checkpoints.string());
  value.set("resume", context.resume);
  return value;
}

TrainContext context_from(const Value& value) {
  TrainContext context;
  context.name = value.at("name").as_text();
  context.spec = spec_from(value.at("spec"));
  context.options = value.at("options");
  context.seed = static_cast<std::uint64_t>(value.at("seed").as_integer());
  context.call = call_from(value.at("call"));
  context.checkpoints = value.at("checkpoints").as_text();
  context.resume = value.at("resume").as_boolean();
  return context;
}

Value to_value(const Progress& progress) {
  Value metrics = Value::array();
  for (const auto& [name, number] : progress.metrics) metrics.push_back(Value::Array{name, number});
  Value value = Value::object();
  value.set("method", progress.method);
  value.set("epoch", progress.epoch);
  value.set("epochs", progress.epochs);
  value.set("metrics", std::move(metrics));
  return value;
}

Progress progress_from(const Value& value) {
  Progress progress;
  progress.method = value.at("method").as_text();
  progress.epoch = value.at("epoch").as_integer();
  progress.epochs = value.at("epochs").as_integer();
  for (const Value& metric : value.at("metrics").as_array()) {
    progress.metrics.emplace_back(metric.at(0).as_text(), metric.at(1).as_number());
  }
  return progress;
}

namespace {

using Members = std::map<std::string, std::string>;

Value to_value(const Members& members) {
  Value value = Value::object();
  for (const auto& [name, content] : members) value.set(name, content);
  return value;
}

Members members_from(const Value& value) {
  Members members;
  for (const auto& [name, content] : value.as_object()) members.emplace(name, content.as_text());
  return members;
}

}  // namespace

Value to_value(const Payload& payload) {
  Value value = Value::object();
  value.set("members", to_value(payload.members));
  value.set("native", to_value(payload.native));
  value.set("not_native", payload.not_native);
  value.set("onnx", payload.onnx);
  value.set("not_onnx", payload.not_onnx);
  value.set("info", payload.info);
  value.set("stopped", payload.stopped);
  return value;
}

Payload payload_from(const Value& value) {
  Payload payload;
  payload.members = members_from(value.at("members"));
  payload.native = members_from(value.at("native"));
  payload.not_native = value.at("not_native").as_text();
  payload.onnx = value.at("onnx").as_text();
  payload.not_onnx = value.at("not_onnx").as_text();
  payload.info = value.at("info");
  payload.stopped = value.at("stopped").as_boolean();
  return payload;
}

}  // namespace ophion
