/// A Reader whose files are opened in a worker process.
#include "isolation/isolated_reader.h"

#include <limits>
#include <utility>

#include <ophion/error.h>

namespace ophion {
namespace {

constexpr std::size_t first_chunk = std::size_t{1} << 20;

Value request_of(const PluginInfo& plugin, const char* verb, const std::string& file) {
  Value request = Value::object();
  request.set("do", verb);
  request.set("plugin", plugin.file.string());
  request.set("file", file);
  return request;
}

CallTerms terms_of(const std::string& file, double time_limit) {
  CallTerms terms;
  terms.who = "reading " + file;
  terms.time_limit = time_limit;
  return terms;
}

CallTerms opening_terms_of(const std::string& file, double time_limit) {
  CallTerms terms = terms_of(file, time_limit);
  terms.grace = for_imports;
  return terms;
}

[[noreturn]] void refuse(const std::string& file) { throw WorkerError("reading " + file + ": the worker process sent no columns"); }

/// Memory for one chunk, kept by whoever looks at the chunk.
struct ChunkMemory {
  std::uint64_t block;
  SharedMemory memory{first_chunk};
};

class IsolatedStream final : public ChunkStream {
 public:
  IsolatedStream(LentWorker worker, std::string file, double time_limit)
      : worker_(std::move(worker)), file_(std::move(file)), terms_(terms_of(file_, time_limit)) {}
  ~IsolatedStream() override {
    if (!worker_->usable()) return;
    try {
      Value request = Value::object();
      request.set("do", "drop");
      worker_->call(request, terms_);  // closes the file
    } catch (const std::exception&) {  // then its worker isn't used again
    }
  }

  std::optional<Columns> next() override {
    if (!memory_ || memory_.use_count() > 1) {  // somebody still looks at the last chunk
      memory_ = std::make_shared<ChunkMemory>();
      memory_->block = first_stream_block + blocks_++;
      worker_->give(memory_->block, memory_->memory.file(), memory_->memory.size());
    }
    Value request = Value::object();
    request.set("do", "next");
    request.set("block", static_cast<std::int64_t>(memory_->block));
    request.set("size", memory_->memory.size());
    const Value answer = worker_->call(request, terms_);
    if (answer.is_null()) return std::nullopt;
    memory_->memory.follow(static_cast<std::size_t>(answer.at("size").as_integer()));
    Columns columns;
    for (const Value& described : answer.at("columns").as_array()) columns.push_back(column_from(described));
    return columns;
  }

 private:
  static std::size_t size_from(const Value& value) { return static_cast<std::size_t>(value.as_integer()); }

  /// Nothing that the worker says can make it reach beyond the memory.
  Column column_from(const Value& described) const {
    Column column;
    column.name = described.at(0).as_text();
    const std::size_t type = size_from(described.at(1));
    if (type > static_cast<std::size_t>(DType::float64)) refuse(file_);
    column.type = static_cast<DType>(type);
    column.rows = size_from(described.at(2));
    column.width = size_from(described.at(3));
    const std::size_t offset = size_from(described.at(4)), number = size_of(column.type), room = memory_->memory.size();
    if (column.width == 0 || column.width > room || offset > room || column.rows > (room - offset) / (column.width * number)) refuse(file_);
    column.data = memory_->memory.data() + offset;
    column.column_stride = static_cast<std::ptrdiff_t>(number);
    column.row_stride = static_cast<std::ptrdiff_t>(number * column.width);
    column.keeper = memory_;
    return column;
  }

  LentWorker worker_;
  const std::string file_;
  const CallTerms terms_;
  std::shared_ptr<ChunkMemory> memory_;
  std::uint64_t blocks_ = 0;
};

class IsolatedReader final : public Reader {
 public:
  IsolatedReader(PluginInfo plugin, std::shared_ptr<Workers> workers, double time_limit)
      : plugin_(std::move(plugin)), workers_(std::move(workers)), time_limit_(time_limit) {}

  std::vector<std::string> trees(const std::string& file) const override {
    LentWorker worker(workers_);
    return worker->call(request_of(plugin_, "trees", file), opening_terms_of(file, time_limit_)).as_texts();
  }

  FileInfo describe(const std::string& file, const std::string& tree) const override {
    LentWorker worker(workers_);
    Value request = request_of(plugin_, "describe", file);
    request.set("tree", tree);
    const Value described = worker->call(request, opening_terms_of(file, time_limit_));
    FileInfo info;
    info.tree = described.at("tree").as_text();
    for (const Value& column : described.at("columns").as_array()) {
      info.columns.push_back({column.at(0).as_text(), column.at(1).as_text(), column.at(2).as_boolean()});
    }
    if (const Value& rows = described.at("rows"); !rows.is_null()) info.rows = static_cast<std::uint64_t>(rows.as_integer());
    return info;
  }

  std::unique_ptr<ChunkStream> open(const std::string& file, const std::string& tree,
                                    const std::vector<std::string>& columns) const override {
    LentWorker worker(workers_);
    Value request = request_of(plugin_, "open", file);
    request.set("tree", tree);
    request.set("columns", Value(columns));
    worker->call(request, opening_terms_of(file, time_limit_));
    return std::make_unique<IsolatedStream>(std::move(worker), file, time_limit_);
  }

 private:
  const PluginInfo plugin_;
  const std::shared_ptr<Workers> workers_;
  const double time_limit_;
};

}  // namespace

std::shared_ptr<const Reader> IsolatedReaders::reader_for(const std::filesystem::path& file) {
  const PluginInfo& plugin = registry_.reader_info(file);
  std::shared_ptr<const Reader>& known = readers_[plugin.file];
  if (!known) {
    WorkerSettings settings = settings_;
    settings.needs_python = plugin.needs_python;
    known = std::make_shared<const IsolatedReader>(plugin, std::make_shared<Workers>(std::move(settings)), time_limit_);
  }
  return known;
}

}  // namespace ophion
