/// The one header a plug-in needs, but for one of features: that is ophion/feature.h. At the end of its .cpp:
///   OPHION_METHOD("pytorch", ophion::NeedsPython::yes, PytorchMethod)
///   OPHION_READER("parquet", ophion::NeedsPython::yes, ParquetReader, ".parquet .pq")
///   OPHION_TOOL("metrics", ophion::NeedsPython::yes, MetricsTool)
///   OPHION_ENGINE("onnx", ophion::NeedsPython::no, OnnxEngine)
/// The macro leaves a note in the file (ophion/note.h), and the one function that makes the object.
#pragma once

#include <ophion/export.h>
#include <ophion/method.h>
#include <ophion/note.h>
#include <ophion/reader.h>
#include <ophion/tool.h>

/// `ophion_make_plugin` gives an object that the caller deletes through its base (Method, Reader, Tool or Engine).
#define OPHION_PLUGIN_(kind, name, needs_python, base, type, suffixes)                                              \
  OPHION_NOTE_(ophion_note, ::ophion::PluginNote, ::ophion::detail::make_note(kind, name, needs_python, suffixes))   \
  extern "C" {                                                                                                     \
  OPHION_EXPORT void* ophion_make_plugin() { return static_cast<::ophion::base*>(new type()); }                     \
  }

#define OPHION_METHOD(name, needs_python, type) OPHION_PLUGIN_("method", name, needs_python, Method, type, "")
#define OPHION_READER(name, needs_python, type, suffixes) OPHION_PLUGIN_("reader", name, needs_python, Reader, type, suffixes)
#define OPHION_TOOL(name, needs_python, type) OPHION_PLUGIN_("tool", name, needs_python, Tool, type, "")
#define OPHION_ENGINE(name, needs_python, type) OPHION_PLUGIN_("engine", name, needs_python, Engine, type, "")
