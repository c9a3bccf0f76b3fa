/// Where events come from: the files a config names, or a Dataset seen through the same interface.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <ophion/dataset.h>
#include <ophion/reader.h>

#include "sample_recipe.h"

namespace ophion {

/// One file of a sample, or the sample's memory, and the Reader that reads it.
struct EventSource {
  std::shared_ptr<const Reader> reader;
  std::string file;
  std::string tree;
  std::vector<ColumnInfo> columns;
  std::uint64_t rows = 0;  ///< 0 where the reader does not know

  /// Asks the reader what is there. An empty `wanted_tree` becomes the name of the only one.
  EventSource(std::shared_ptr<const Reader> its_reader, std::string its_file, const std::string& wanted_tree);
  std::vector<std::string> column_names() const;
  /// For messages: "zz.root, tree 'background'".
  std::string name() const { return tree.empty() ? file : file + ", tree '" + tree + "'"; }
};

/// "sample 1 ('background')", or "sample 1" without classes.
std::string sample_name(std::size_t index, const std::string& class_name);
/// A number for a message, at most nine digits of it.
std::string text_of(double number);

/// The files that the patterns name, in the order of the patterns; those of one pattern in bytewise order whatever the locale, each
/// file once. DataError names a pattern that matches nothing, and `sample`.
std::vector<std::string> expand_patterns(const std::vector<std::string>& patterns, const std::string& sample);

/// Before a source is read: every input of the recipe must be there, once, as numbers. DataError names the file, the tree, the column, what needs it and the nearest names.
void check_source(const EventSource& source, const SampleRecipe& recipe);

/// A sample of a Dataset as a Reader gives it: its columns, its weights and its targets, zero-copy views in chunks. `sample` is lent.
/// `file` and `tree` are not looked at but for messages.
std::shared_ptr<const Reader> memory_reader(const Dataset& dataset, const Dataset::Sample& sample);

}  // namespace ophion
