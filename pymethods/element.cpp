/// Element types in the words of each protocol.
#include "element.h"

#include <bit>
#include <utility>
#include <vector>

#include <ophion/matrix.h>

#include "call.h"

namespace ophion {
namespace {

/// Arrays of arrays as one: the innermost element, and the lengths from the outermost to it.
std::pair<const ElementType*, std::vector<std::size_t>> flatten(const ElementType& type) {
  const ElementType* element = &type;
  std::vector<std::size_t> lengths;
  for (; element->kind == 'a'; element = element->each) lengths.push_back(element->count);
  return {element, std::move(lengths)};
}

/// Calls `field` for each field and `gap` with the number of bytes that belong to none.
template <class OnField, class OnGap>
void walk(const ElementType& type, OnField field, OnGap gap) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < type.count; ++i) {
    if (type.fields[i].offset > end) gap(type.fields[i].offset - end);
    field(type.fields[i]);
    end = type.fields[i].offset + type.fields[i].type->size;
  }
  if (type.size > end) gap(type.size - end);
}

/// In struct's standard sizes, which are those of the kinds; `native` writes 64 bits as NumPy does, so that it knows the type by one letter.
char number_code(const ElementType& type, bool native) {
  if (type.kind == 'b') return '?';
  if (type.kind == 'f') return type.size == 4 ? 'f' : 'd';
  const bool is_signed = type.kind == 'i';
  switch (type.size) {
    case 1: return is_signed ? 'b' : 'B';
    case 2: return is_signed ? 'h' : 'H';
    case 4: return is_signed ? 'i' : 'I';
    default: break;
  }
  if (native && sizeof(long) == 8) return is_signed ? 'l' : 'L';
  return is_signed ? 'q' : 'Q';
}

/// Explicit padding and "=" before each number: no reader has to know how C++ aligns, and packed structs are said as well.
void write_struct(const ElementType& type, std::string& out) {
  out += "T{";
  walk(
      type,
      [&](const Field& field) {
        const auto [element, lengths] = flatten(*field.type);
        for (std::size_t i = 0; i < lengths.size(); ++i) out += (i == 0 ? "(" : ",") + std::to_string(lengths[i]);
        if (!lengths.empty()) out += ')';
        if (element->kind == 'V') write_struct(*element, out);
        else (out += '=') += number_code(*element, false);
        ((out += ':') += field.name) += ':';
      },
      [&](std::size_t bytes) { out += std::to_string(bytes) + 'x'; });
  out += '}';
}

PyRef whole(std::size_t number) { return check(PyLong_FromSize_t(number), describing_buffer); }

PyRef tuple_of(const std::vector<std::size_t>& numbers) {
  PyRef tuple = check(PyTuple_New(static_cast<Py_ssize_t>(numbers.size())), describing_buffer);
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), whole(numbers[i]).release());
  }
  return tuple;
}

void append(const PyRef& list, const PyRef& item) { check(PyList_Append(list.get(), item.get()), describing_buffer); }

PyRef new_list() { return check(PyList_New(0), describing_buffer); }

/// What numpy.dtype takes: text for a number, a dict for a struct, a tuple for an array.
PyRef dtype_argument(const ElementType& type) {
  const auto [element, lengths] = flatten(type);
  if (!lengths.empty()) {
    return check(PyTuple_Pack(2, dtype_argument(*element).get(), tuple_of(lengths).get()), describing_buffer);
  }
  if (type.kind != 'V') return to_text(array_type(type));
  const PyRef names = new_list(), formats = new_list(), offsets = new_list();
  for (std::size_t i = 0; i < type.count; ++i) {
    append(names, to_text(type.fields[i].name));
    append(formats, dtype_argument(*type.fields[i].type));
    append(offsets, whole(type.fields[i].offset));
  }
  return check(Py_BuildValue("{s:O,s:O,s:O,s:n}", "names", names.get(), "formats", formats.get(), "offsets", offsets.get(),
                             "itemsize", static_cast<Py_ssize_t>(type.size)),
               describing_buffer);
}

}  // namespace

std::string name_of(char kind, std::size_t size) {
  if (kind == 'b') return name_of(DType::boolean);
  return (kind == 'f' ? "float" : kind == 'u' ? "uint" : "int") + std::to_string(8 * size);
}

std::string name_of(const ElementType& type) {
  const auto [element, lengths] = flatten(type);
  std::string name = element->kind == 'V' ? "{" : name_of(element->kind, element->size);
  if (element->kind == 'V') {
    for (std::size_t i = 0; i < element->count; ++i) {
      name += (i == 0 ? "" : ", ") + std::string(element->fields[i].name) + ": " + name_of(*element->fields[i].type);
    }
    name += '}';
  }
  for (std::size_t length : lengths) name += '[' + std::to_string(length) + ']';
  return name;
}

std::string buffer_format(const ElementType& type) {
  if (type.kind != 'V') return std::string(1, number_code(type, true));
  std::string format;
  write_struct(type, format);
  return format;
}

std::string array_type(const ElementType& type) {
  constexpr char order = std::endian::native == std::endian::little ? '<' : '>';
  return std::string(1, type.size == 1 || type.kind == 'V' ? '|' : order) + type.kind + std::to_string(type.size);
}

PyRef array_description(const ElementType& type) {
  PyRef list = new_list();
  if (type.kind != 'V') {
    append(list, check(Py_BuildValue("(ss)", "", array_type(type).c_str()), describing_buffer));
    return list;
  }
  walk(
      type,
      [&](const Field& field) {
        const auto [element, lengths] = flatten(*field.type);
        const PyRef inner = element->kind == 'V' ? array_description(*element) : to_text(array_type(*element));
        append(list, check(lengths.empty() ? Py_BuildValue("(sO)", field.name, inner.get())
                                           : Py_BuildValue("(sOO)", field.name, inner.get(), tuple_of(lengths).get()),
                           describing_buffer));
      },
      [&](std::size_t bytes) { append(list, check(Py_BuildValue("(ss)", "", ("|V" + std::to_string(bytes)).c_str()), describing_buffer)); });
  return list;
}

PyRef numpy_dtype(const ElementType& type) {
  static Name dtype("dtype");
  return call(attribute(import_module("numpy").get(), dtype, describing_buffer).get(), {dtype_argument(type).get()}, describing_buffer);
}

}  // namespace ophion
