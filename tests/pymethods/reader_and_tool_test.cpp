/// Readers and tools that live in Python.
#include "pymethods/support.h"

#include <gmock/gmock.h>

#include <vector>

#include <ophion/error.h>
#include <ophion/py_reader_base.h>
#include <ophion/py_tool_base.h>

#include "pymethods/value.h"

namespace ophion {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class ProbeReader final : public PyReaderBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "probe_reader";
    return module;
  }
};

class ProbeTool final : public PyToolBase {
 public:
  const std::string& python_module() const noexcept override {
    static const std::string module = "probe_tool";
    return module;
  }
};

Value list_of(const char* module, const char* name) {
  const Gil gil;
  const PyRef list = check(PyObject_GetAttrString(import_module(module).get(), name), "reading notes");
  return to_value(list.get(), name);
}

class Readers : public testing_support::PythonTest {
 protected:
  /// The second chunk is asked for only where the first was read.
  void read_all(const char* file) const {
    const auto chunks = reader_.open(file, "", {"x", "y"});
    while (chunks->next()) {
    }
  }
  ProbeReader reader_;
};

TEST_F(Readers, DescribeAFile) {
  EXPECT_THAT(reader_.trees("a.root"), ElementsAre("events", "other"));
  const FileInfo info = reader_.describe("a.root", "other");
  EXPECT_EQ(info.tree, "other");
  EXPECT_EQ(info.rows, 5u);
  ASSERT_EQ(info.columns.size(), 2u);
  EXPECT_EQ(info.columns[1].name, "name");
  EXPECT_EQ(info.columns[1].type, "string");
  EXPECT_FALSE(info.columns[1].numeric);
  EXPECT_FALSE(reader_.describe("a.csv", "").rows.has_value());
}

TEST_F(Readers, GiveChunksThatOutliveTheStream) {
  std::vector<Columns> chunks;
  {
    const auto stream = reader_.open("a.root", "", {"y", "x"});
    while (auto chunk = stream->next()) chunks.push_back(std::move(*chunk));
    EXPECT_FALSE(stream->next().has_value());
  }
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0][0].name, "y");
  EXPECT_EQ(chunks[0][1].name, "x");
  EXPECT_EQ(chunks[0][0].rows, 3u);
  EXPECT_EQ(chunks[1][1].at(1), 4);
}

TEST_F(Readers, CloseTheFileWhenTheStreamIsLeft) {
  reader_.open("left.root", "", {"x"})->next();
  EXPECT_THAT(list_of("probe_reader", "closed").as_texts(), testing::Contains("left.root"));
}

TEST_F(Readers, NameFileAndColumnOfWhatIsWrong) {
  EXPECT_THAT([&] { reader_.describe("damaged.root", ""); },
              ThrowsMessage<DataError>("damaged.root: cut off after 12 bytes"));
  EXPECT_THAT([&] { read_all("damaged.root"); }, ThrowsMessage<PythonError>(HasSubstr("reading damaged.root")));
  EXPECT_THAT([&] { read_all("lacking.root"); }, ThrowsMessage<DataError>("lacking.root: a chunk lacks column 'y'"));
  EXPECT_THAT([&] { read_all("short.root"); },
              ThrowsMessage<DataError>("short.root: column 'y' has 1 rows in a chunk where 'x' has 3"));
  EXPECT_THAT([&] { read_all("text.root"); },
              ThrowsMessage<DataError>("text.root: column 'y': expected numbers, found an array of type <U1"));
}

class Tools : public testing_support::PythonTest {
 protected:
  static Value with(const char* key) {
    Value arguments = Value::object();
    arguments.set(key, true);
    return arguments;
  }
  ProbeTool tool_;
  std::vector<double> numbers_{1, 2, 3};
  Columns data_{Column("x", std::span<const double>(numbers_))};
};

TEST_F(Tools, RunAndFinish) {
  const auto job = tool_.start(Value::object());
  const ToolResult first = job->run(Value::object(), data_);
  EXPECT_EQ(first.value, read_json(R"({"total": 6, "n": 3, "good": true, "list": [0, 1]})", "expected"));
  ASSERT_EQ(first.data.size(), 2u);
  EXPECT_EQ(first.data[0].at(2), 6);
  EXPECT_EQ(first.data[1].at(2), 3);
  EXPECT_NE(first.data[1].data, numbers_.data());  // what was lent comes back as a copy
  job->run(Value::object(), data_);
  EXPECT_EQ(job->finish().value.at("total"), Value(12));
}

TEST_F(Tools, AreAbandonedUnlessFinished) {
  const auto last = [] {
    const Value log = list_of("probe_tool", "log");
    return log.size() == 0 ? std::string() : log.at(log.size() - 1).as_text();
  };
  {
    const auto job = tool_.start(Value::object());
    EXPECT_THAT([&] { job->run(with("fail"), data_); }, ThrowsMessage<PythonError>(HasSubstr("probe_tool: run()")));
  }
  EXPECT_EQ(last(), "abandoned");
  {
    const auto job = tool_.start(Value::object());
    job->finish();
  }
  EXPECT_EQ(last(), "finished");
}

TEST_F(Tools, MayNotKeepWhatTheyAreLent) {
  const auto job = tool_.start(Value::object());
  EXPECT_THAT([&] { job->run(with("keep"), data_); },
              ThrowsMessage<Error>("probe_tool: run() kept the events it was lent: copy what must last"));
}

TEST_F(Tools, SayWhereAResultIsNoValue) {
  const auto job = tool_.start(Value::object());
  EXPECT_THAT([&] { job->run(with("set"), data_); },
              ThrowsMessage<Error>("probe_tool: run()[\"roc\"][1]: expected None, bool, int, float, str, list, tuple or dict, found set"));
}

TEST_F(Tools, ValuesComeBackAsTheyWent) {
  const Value value = read_json(R"({"a": null, "b": [true, 1, -2.5, "é"], "c": {"d": 9007199254740993}})", "given");
  const Gil gil;
  EXPECT_EQ(to_value(to_builtin(value).get(), "back"), value);
  const PyRef big = check(PyLong_FromString("99999999999999999999", nullptr, 10), "making an int");
  EXPECT_THAT([&] { to_value(big.get(), "seed"); }, ThrowsMessage<Error>(HasSubstr("seed: expected int from -9223372036854775808 to 9223372036854775807, found 99999999999999999999")));
}

}  // namespace
}  // namespace ophion
