/// What a worker process does: it waits for its host's calls and answers them.
#include "isolation/worker_service.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <vector>

#include <ophion/error.h>
#include <ophion/registry.h>
#include <ophion/runtime.h>

#include "isolation/kept_folder.h"
#include "isolation/rights.h"
#include "isolation/wire.h"
#include "isolation/worker_host.h"
#include "python_launcher.h"
#include "python_methods.h"

namespace ophion {
namespace {

MatrixView matrix_from(const SharedMatrix& shared, WorkerHost& host) {
  const auto* begin = reinterpret_cast<const float*>(host.block(shared.block).data() + shared.offset);
  return MatrixView(begin, shared.rows, shared.columns, shared.row_stride, shared.column_stride);
}

std::size_t size_from(const Value& value) { return static_cast<std::size_t>(value.as_integer()); }

MatrixView matrix_from(const Value& value, WorkerHost& host) {
  if (value.is_null()) return {};
  return matrix_from(SharedMatrix{size_from(value.at(0)), size_from(value.at(1)), size_from(value.at(2)), size_from(value.at(3)),
                                  value.at(4).as_integer(), value.at(5).as_integer()},
                     host);
}

template <class T>
std::span<const T> numbers_from(const Value& value, WorkerHost& host) {
  if (value.is_null()) return {};
  const std::byte* begin = host.block(size_from(value.at(0))).data() + size_from(value.at(1));
  return {reinterpret_cast<const T*>(begin), size_from(value.at(2))};
}

LabelledEvents events_from(const Value& value, WorkerHost& host) {
  return {matrix_from(value.at("features"), host), numbers_from<std::int32_t>(value.at("labels"), host),
          matrix_from(value.at("targets"), host), numbers_from<double>(value.at("weights"), host)};
}

void limit(int resource, std::size_t bytes) {
  const rlimit both{bytes, bytes};
  if (setrlimit(static_cast<__rlimit_resource_t>(resource), &both) != 0) {
    throw WorkerError("the memory of a worker process can't be limited to " + std::to_string(bytes) +
                      " bytes: " + std::generic_category().message(errno));
  }
}

class WorkerService {
 public:
  explicit WorkerService(WorkerHost& host) : host_(host) {}

  [[noreturn]] void run() {
    for (;;) {
      try {
        if (host_.next() == MessageKind::predict) predict();
        else host_.answer(answer(host_.request()));
      } catch (const std::exception& error) {
        host_.fail(error);
      }
    }
  }

 private:

  void predict() {
    const ChannelPage& page = host_.page();
    if (!backend_) throw Error("a worker process was asked for scores before it had a model");
    auto* const scores = reinterpret_cast<float*>(host_.block(room_block).data() + page.scores);
    backend_->predict(matrix_from(page.features, host_), {scores, page.score_count});
    host_.answer_scores();
  }

  Value answer(const Value& request) {
    const std::string& verb = request.at("do").as_text();
    if (verb == "start") return start(request);
    if (verb == "traits") return traits(request);
    if (verb == "check") return check(request);
    if (verb == "train") return train(request);
    if (verb == "carries_code") return Value(method(request).carries_code(payload_from(request.at("payload"))));
    if (verb == "load") return load(request);
    if (verb == "drop") return drop();
    if (verb == "trees") return Value(reader(request).trees(request.at("file").as_text()));
    if (verb == "describe") return describe(request);
    if (verb == "open") return open(request);
    if (verb == "next") return next(request);
    if (verb == "end") std::exit(0);
    throw Error("a worker process knows no '" + verb + "'");
  }

  Value start(const Value& request) {
    RuntimeOptions options = runtime_options();  // with the sink that the host's wish has set
    options.python = request.at("python").as_text();
    options.threads = static_cast<int>(request.at("threads").as_integer());
    options.ignore_sigpipe = request.at("ignore_sigpipe").as_boolean();
    configure(std::move(options));
    // Finding a Python asks it by a process of its own, which a worker without rights can't start.
    if (request.at("needs_python").as_boolean()) open_python();
    const std::size_t bytes = size_from(request.at("memory_limit"));
    if (bytes > 0) {
      limit(RLIMIT_DATA, bytes);
      limit(RLIMIT_FSIZE, bytes);  // files in memory count as memory
    }
    if (request.at("drop_rights").as_boolean()) {
      std::vector<std::filesystem::path> writable;
      for (const std::string& folder : request.at("writable").as_texts()) writable.emplace_back(folder);
      drop_rights(writable);
    }
    try {
      host_.listen();
    } catch (const std::system_error&) {
      throw WorkerError("a worker process can't start" + (bytes == 0 ? std::string() : " within its memory_limit of " + std::to_string(bytes) + " bytes"));
    }
    return {};
  }

  /// The method of the plug-in's file, or of the Python package that it serves: the host has looked for that. Kept, since its object must
  /// outlive what it loads.
  const Method& method(const Value& request) {
    const std::string& file = request.at("plugin").as_text();
    const std::string& name = request.at("method").as_text();
    std::shared_ptr<const Method>& known = methods_[{file, name}];
    if (known) return *known;
    const Registry registry({file});
    const Value& package = request.at("package");
    known = package.is_null() ? registry.method(name)
                              : Registry::method(method_of_package(package, registry.info("tool", python_methods_tool)));
    return *known;
  }

  Value traits(const Value& request) { return Value(method(request).traits().tasks); }

  Value check(const Value& request) {
    method(request).check(context_from(request.at("context")));
    return {};
  }

  Value train(const Value& request) {
    TrainContext context = context_from(request.at("context"));
    context.progress = [this](const Progress& progress) {
      Value question = Value::object();
      question.set("progress", to_value(progress));
      const Value reply = host_.ask(question);
      if (!reply.at("failed").as_boolean()) return reply.at("go_on").as_boolean();
      throw Error("the host's progress callback failed");
    };
    const TrainingData data{events_from(request.at("train"), host_), events_from(request.at("validation"), host_)};
    return to_value(method(request).train(data, context));
  }

  Value load(const Value& request) {
    backend_.reset();
    backend_ = method(request).load(payload_from(request.at("payload")), spec_from(request.at("spec")), request.at("options"),
                                    call_from(request.at("call")));
    if (!backend_) return {};
    Value answer = Value::object();
    answer.set("name", backend_->name());
    answer.set("versions", backend_->versions());
    return answer;
  }

  Value drop() {
    backend_.reset();
    stream_.reset();
    return {};
  }

  const Reader& reader(const Value& request) {
    const std::string& file = request.at("plugin").as_text();
    std::shared_ptr<const Reader>& known = readers_[file];
    if (!known) known = Registry({file}).reader_for(request.at("file").as_text());
    return *known;
  }

  Value describe(const Value& request) {
    const FileInfo info = reader(request).describe(request.at("file").as_text(), request.at("tree").as_text());
    Value columns = Value::array();
    for (const ColumnInfo& column : info.columns) columns.push_back(Value::Array{column.name, column.type, column.numeric});
    Value answer = Value::object();
    answer.set("tree", info.tree);
    answer.set("columns", std::move(columns));
    answer.set("rows", info.rows ? Value(*info.rows) : Value());
    return answer;
  }

  Value open(const Value& request) {
    stream_.reset();
    stream_ = reader(request).open(request.at("file").as_text(), request.at("tree").as_text(), request.at("columns").as_texts());
    return {};
  }

  /// The next chunk goes into the memory that the host gave for it, column after column, without gaps between its numbers.
  Value next(const Value& request) {
    if (!stream_) throw Error("a worker process was asked for a chunk of no file");
    const std::optional<Columns> chunk = stream_->next();
    if (!chunk) return {};
    std::size_t bytes = 0;
    Value columns = Value::array();
    for (const Column& column : *chunk) {
      columns.push_back(Value::Array{column.name, static_cast<int>(column.type), column.rows, column.width, bytes});
      bytes += aligned(column.rows * column.width * size_of(column.type));
    }
    SharedMemory& memory = host_.block(size_from(request.at("block")));
    memory.follow(size_from(request.at("size")));
    memory.grow(bytes);
    for (std::size_t i = 0; i < chunk->size(); ++i) copy((*chunk)[i], memory.data() + size_from(columns.at(i).at(4)));
    Value answer = Value::object();
    answer.set("columns", std::move(columns));
    answer.set("size", memory.size());
    return answer;
  }

  static void copy(const Column& column, std::byte* to) {
    const std::size_t size = size_of(column.type);
    const auto* begin = static_cast<const std::byte*>(column.data);
    const auto step = static_cast<std::ptrdiff_t>(size);
    const bool dense = column.width == 1 ? column.row_stride == step
                                         : column.column_stride == step && column.row_stride == step * static_cast<std::ptrdiff_t>(column.width);
    if (dense) {
      if (column.rows > 0) std::memcpy(to, begin, column.rows * column.width * size);
      return;
    }
    for (std::size_t i = 0; i < column.rows; ++i) {
      for (std::size_t j = 0; j < column.width; ++j, to += size) {
        std::memcpy(to, begin + static_cast<std::ptrdiff_t>(i) * column.row_stride + static_cast<std::ptrdiff_t>(j) * column.column_stride, size);
      }
    }
  }

  WorkerHost& host_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const Method>> methods_;  // by the plug-in's file and its name
  std::map<std::string, std::shared_ptr<const Reader>> readers_;
  std::unique_ptr<const Backend> backend_;
  std::unique_ptr<ChunkStream> stream_;
};

bool is_worker = false;

/// A number that no program of this process's own will close by accident, and no child inherits.
Descriptor moved_up(int file) {
  Descriptor moved(fcntl(file, F_DUPFD_CLOEXEC, 100));
  if (moved) ::close(file);
  return moved;
}

}  // namespace

bool in_worker() noexcept { return is_worker; }

int serve_as_worker(int count, char** arguments) {
  constexpr int wrong_start = 64;
  constexpr int first_file = 3;
  if (count < 3 || count > 4 || std::strcmp(arguments[1], OPHION_VERSION) != 0) {
    std::fprintf(stderr, "ophion_worker is started by Ophion %s alone\n", OPHION_VERSION);
    return wrong_start;
  }
  const pid_t its_host = std::atoi(arguments[2]);
  if (count == 4) return keep_folder(first_file, its_host, arguments[3]);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != its_host) return wrong_start;  // the host was gone before it could be tied to this
  is_worker = true;
  signal(SIGXFSZ, SIG_IGN);                     // a file beyond its limit is an error, not an end
  setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);     // what was printed before a crash is seen
  // Never destroyed: threads use it until the process is gone.
  auto& host = *new WorkerHost(moved_up(first_file), moved_up(first_file + 1));
  auto& service = *new WorkerService(host);
  service.run();
}

}  // namespace ophion
