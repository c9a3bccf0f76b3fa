/// The homes of the base classes that plug-ins derive from: their type information lies in core alone, so that all shared
/// objects agree on it.
#include <ophion/method.h>
#include <ophion/reader.h>
#include <ophion/runtime.h>
#include <ophion/tool.h>

namespace ophion {

Backend::~Backend() = default;
Engine::~Engine() = default;
Method::~Method() = default;
ChunkStream::~ChunkStream() = default;
Reader::~Reader() = default;
Job::~Job() = default;
Tool::~Tool() = default;

bool Progress::keep_going() const noexcept { return !interrupted(); }

}  // namespace ophion
