/// What crosses between a program and its worker, as bytes: values, errors, contexts. JSON won't do: it knows no NaN, and its texts
/// must be UTF-8, which names of files and lines of output need not be.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include <ophion/method.h>
#include <ophion/value.h>

namespace ophion {

/// A value as bytes, every bit kept; texts may hold any bytes.
std::string pack(const Value& value);
/// And back. WorkerError for bytes that `pack` can't have given: they come from a process that may be hostile.
Value unpack(std::string_view bytes);

Value to_value(const std::exception& error);
/// Throws what the other process threw: the same class of ophion::Error with the same texts. What was no ophion::Error is an Error;
/// running out of memory is a WorkerError with that text.
[[noreturn]] void rethrow(const Value& error, const std::string& out_of_memory);

Value to_value(const Spec& spec);
Spec spec_from(const Value& value);
Value to_value(const CallOptions& call);
CallOptions call_from(const Value& value);
/// Without its callback.
Value to_value(const TrainContext& context);
TrainContext context_from(const Value& value);
Value to_value(const Progress& progress);
Progress progress_from(const Value& value);
Value to_value(const Payload& payload);
Payload payload_from(const Value& value);

}  // namespace ophion
