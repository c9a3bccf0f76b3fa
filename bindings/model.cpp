/// The C API of models: load, look at, bind, predict, save.
#include <ophion/model.h>

#include <cstddef>
#include <span>

#include <ophion/trust.h>
#include <ophion/value.h>

#include "border.h"
#include "handles.h"
#include "numbers.h"
#include "options.h"

struct ophion_bound {
  ophion::BoundScore score;
  std::size_t outputs;
};

using namespace ophion;
using namespace ophion::c_api;

namespace {

LoadOptions load_options(const char* json) {
  LoadOptions chosen;
  Options options("ophion_model_load", json);
  options.take("backend", chosen.backend);
  options.take("threads", chosen.call.threads);
  options.take("time_limit", chosen.call.time_limit);
  options.take("batching", chosen.batching);
  options.take("trust", {"known", "all"}, chosen.trust);
  options.take("trusted_hashes", chosen.trusted_hashes);
  options.take("isolation", {"none", "process"}, chosen.isolation);
  options.take("workers", chosen.workers);
  options.take("memory_limit", chosen.memory_limit);
  options.take("drop_rights", chosen.drop_rights);
  options.end();
  return chosen;
}

Value description_of(const ophion_model& handle) {
  const Model& model = handle.model;
  Value value = Value::object();
  value.set("backend", model.backend());
  value.set("task", model.spec().task);
  value.set("features", model.features());
  value.set("inputs", model.inputs());
  value.set("outputs", handle.output_names);
  value.set("classes", model.spec().classes);
  value.set("targets", model.spec().targets);
  value.set("spectators", model.spectators());
  value.set("folds", model.folds());
  value.set("fold_inputs", model.fold_inputs());
  value.set("versions", model.versions());
  value.set("manifest", model.manifest());
  return value;
}

const std::vector<std::string>& names_of(const ophion_model& handle, std::int32_t list) {
  switch (list) {
    case OPHION_FEATURES: return handle.model.features();
    case OPHION_OUTPUTS: return handle.output_names;
    case OPHION_INPUTS: return handle.model.inputs();
    case OPHION_CLASSES: return handle.model.spec().classes;
    case OPHION_TARGETS: return handle.model.spec().targets;
    case OPHION_SPECTATORS: return handle.model.spectators();
    case OPHION_FOLD_INPUTS: return handle.model.fold_inputs();
    default: break;
  }
  throw Refused(OPHION_ARGUMENT, "expected a list from OPHION_FEATURES (0) to OPHION_FOLD_INPUTS (6), found " + std::to_string(list));
}

}  // namespace

ophion_status ophion_file_describe(const char* file, char* text, size_t size, size_t* needed) {
  return text_at_border(__func__, text, size, needed, [&] {
    const ModelFacts facts = facts_of(given_text(file, "file"));
    Value value = Value::object();
    value.set("hash", facts.hash);
    value.set("manifest", facts.manifest);
    return write_json(value);
  });
}

ophion_status ophion_model_load(const char* file, const char* options, ophion_model** model) {
  return at_border(__func__, [&] {
    auto& handle = place_for(model, "model");
    handle = new ophion_model(Model::load(given_text(file, "file"), load_options(options)));
  });
}

ophion_status ophion_model_save(const ophion_model* model, const char* file) {
  return at_border(__func__, [&] { given(model, "model").model.save(given_text(file, "file")); });
}

void ophion_model_free(ophion_model* model) { delete model; }

ophion_status ophion_model_describe(const ophion_model* model, char* text, size_t size, size_t* needed) {
  return text_at_border(__func__, text, size, needed, [&] { return write_json(description_of(given(model, "model"))); });
}

size_t ophion_model_count(const ophion_model* model, int32_t list) {
  std::size_t count = 0;
  at_border(__func__, [&] { count = names_of(given(model, "model"), list).size(); });
  return count;
}

const char* ophion_model_name(const ophion_model* model, int32_t list, size_t index) {
  const char* name = nullptr;
  at_border(__func__, [&] {
    const auto& names = names_of(given(model, "model"), list);
    if (index >= names.size()) {
      throw Refused(OPHION_ARGUMENT, "no name " + std::to_string(index) + ", the list has " + std::to_string(names.size()));
    }
    name = names[index].c_str();
  });
  return name;
}

ophion_status ophion_model_predict(const ophion_model* model, const ophion_matrix* features, float* out, size_t out_count) {
  return at_border(__func__, [&] {
    const Model& scorer = given(model, "model").model;
    const MatrixView view = view_of(features, "features");
    scorer.predict(view, room_for(out, out_count, view.rows(), scorer.outputs()));
  });
}

ophion_status ophion_model_predict_columns(const ophion_model* model, const ophion_column* columns, size_t column_count, float* out,
                                           size_t out_count) {
  return at_border(__func__, [&] {
    const Model& scorer = given(model, "model").model;
    const Columns views = views_of(columns, column_count, "columns");
    scorer.predict(views, room_for(out, out_count, views.empty() ? 0 : views.front().rows, scorer.outputs()));
  });
}

ophion_status ophion_model_bind(const ophion_model* model, const char* const* names, size_t name_count, ophion_bound** bound) {
  return at_border(__func__, [&] {
    auto& handle = place_for(bound, "bound");
    const Model& scorer = given(model, "model").model;
    check_array(names, name_count, "names");
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < name_count; ++i) texts.emplace_back(given_text(names[i], ("names[" + std::to_string(i) + "]").c_str()));
    handle = new ophion_bound{scorer.bind(texts), scorer.outputs()};
  });
}

void ophion_bound_free(ophion_bound* bound) { delete bound; }

ophion_status ophion_bound_predict_one(const ophion_bound* bound, const float* event, size_t event_count, float* out, size_t out_count) {
  return at_border(__func__, [&] {
    const ophion_bound& scorer = given(bound, "bound");
    check_array(event, event_count, "event");
    scorer.score(std::span(event, event_count), room_for(out, out_count, 1, scorer.outputs));
  });
}

ophion_status ophion_bound_predict(const ophion_bound* bound, const ophion_matrix* events, float* out, size_t out_count) {
  return at_border(__func__, [&] {
    const ophion_bound& scorer = given(bound, "bound");
    const MatrixView view = view_of(events, "events");
    scorer.score.predict(view, room_for(out, out_count, view.rows(), scorer.outputs));
  });
}
