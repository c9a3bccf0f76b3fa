/// What is behind the handles of models: a name they have in C, and an object of the C++ library.
#pragma once

#include <string>
#include <vector>

#include <ophion/model.h>

#include "c_api.h"

struct ophion_model {
  explicit ophion_model(ophion::Model its_model) : model(std::move(its_model)), output_names(model.output_names()) {}

  ophion::Model model;
  std::vector<std::string> output_names;  ///< so that a name can be lent
};
