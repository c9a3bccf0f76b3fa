/// Readers that live in Python: files to columns, chunk by chunk.
#include <ophion/py_reader_base.h>

#include "cpython.h"

#include <ophion/error.h>

#include "call.h"
#include "columns.h"
#include "method_face.h"
#include "numpy_api.h"
#include "scope.h"
#include "value.h"

namespace ophion {
namespace {

/// The iterator that the face's `open` gave.
class PyChunkStream final : public ChunkStream {
 public:
  PyChunkStream(PyRef iterator, std::string file, std::vector<std::string> columns)
      : iterator_(std::move(iterator)), file_(std::move(file)), columns_(std::move(columns)) {}

  std::optional<Columns> next() override {
    const PythonScope scope;
    const PyRef chunk = PyRef::steal(PyIter_Next(iterator_.get()));
    if (!chunk) {
      if (PyErr_Occurred()) throw_python_error("reading " + file_);
      return std::nullopt;
    }
    if (!PyDict_Check(chunk.get())) throw DataError(file_ + ": a chunk is no dict of columns");
    Columns columns;
    for (const std::string& name : columns_) columns.push_back(column_of(chunk.get(), name));
    for (const Column& column : columns) {
      if (column.rows == columns.front().rows) continue;
      throw DataError(file_ + ": column '" + column.name + "' has " + std::to_string(column.rows) +
                      " rows in a chunk where '" + columns.front().name + "' has " + std::to_string(columns.front().rows));
    }
    return columns;
  }

 private:
  Column column_of(PyObject* chunk, const std::string& name) const {
    PyObject* array = PyDict_GetItemWithError(chunk, to_text(name).get());
    if (array) return take_column(name, array, file_);
    if (PyErr_Occurred()) throw_python_error("reading " + file_);
    throw DataError(file_ + ": a chunk lacks column '" + name + "'");
  }

  PyRef iterator_;  // dropping it closes the file
  std::string file_;
  std::vector<std::string> columns_;
};

ColumnInfo read_column_info(const Value& entry) {
  return {entry.at(0).as_text(), entry.at(1).as_text(), entry.at(2).as_boolean()};
}

}  // namespace

std::vector<std::string> PyReaderBase::trees(const std::string& file) const {
  const PythonScope scope;
  static Name name("trees");
  const PyRef found = call_method(face_module(python_module(), "reader", this), name, {to_text(file).get()}, "reading " + file);
  return to_value(found.get(), python_module() + ".trees()").as_texts();
}

FileInfo PyReaderBase::describe(const std::string& file, const std::string& tree) const {
  const PythonScope scope;
  static Name name("describe");
  const PyRef found = call_method(face_module(python_module(), "reader", this), name, {to_text(file).get(), to_text(tree).get()},
                                  "reading " + file);
  const Value described = to_value(found.get(), python_module() + ".describe()");
  FileInfo info;
  info.tree = described.at("tree").as_text();
  for (const Value& entry : described.at("columns").as_array()) info.columns.push_back(read_column_info(entry));
  if (const Value& rows = described.at("rows"); !rows.is_null()) info.rows = static_cast<std::uint64_t>(rows.as_integer());
  return info;
}

std::unique_ptr<ChunkStream> PyReaderBase::open(const std::string& file, const std::string& tree,
                                                const std::vector<std::string>& columns) const {
  const PythonScope scope;
  ensure_numpy();
  static Name name("open");
  const std::string doing = "reading " + file;
  const PyRef chunks = call_method(face_module(python_module(), "reader", this), name,
                                   {to_text(file).get(), to_text(tree).get(), to_texts(columns, false).get()}, doing);
  return std::make_unique<PyChunkStream>(check(PyObject_GetIter(chunks.get()), doing), file, columns);
}

}  // namespace ophion
