/// The consumer's side of DLPack: https://dmlc.github.io/dlpack/latest/python_spec.html
#include "dlpack_import.h"

#include <ophion/error.h>

#include "call.h"
#include "element.h"

namespace ophion {
namespace {

constexpr const char* owner_name = "ophion.dlpack";

template <class Managed>
void give_back(PyObject* owner) {
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(owner, owner_name));
  if (managed->deleter) managed->deleter(managed);
}

/// From now on nobody else gives the tensor back: its capsule is renamed, and another, our own, stands for it.
template <class Managed>
Managed* take_over(const PyRef& capsule, PyRef& owner, const std::string& doing) {
  auto* managed = static_cast<Managed*>(PyCapsule_GetPointer(capsule.get(), Managed::name));
  owner = check(PyCapsule_New(managed, owner_name, nullptr), doing);
  check(PyCapsule_SetName(capsule.get(), Managed::used_name), doing);
  check(PyCapsule_SetDestructor(owner.get(), give_back<Managed>), doing);
  return managed;
}

/// __dlpack__(max_version=(1, 0)), or without, for those who know no versions.
PyRef capsule_of(PyObject* object, const std::string& doing) {
  static Name name("__dlpack__");
  const PyRef method = attribute(object, name, doing);
  const PyRef version = check(Py_BuildValue("(ii)", static_cast<int>(dlpack::major_version), static_cast<int>(dlpack::minor_version)), doing);
  try {
    return call_with_keywords(method.get(), {{"max_version", version.get()}}, doing);
  } catch (const PythonError& error) {
    if (error.type() != "TypeError") throw;
  }
  return call(method.get(), {}, doing);
}

}  // namespace

std::string device_out_of_reach(PyObject* object) {
  static Name name("__dlpack_device__");
  const char* doing = "asking for a tensor's device";
  const PyRef device = call_method(object, name, {}, doing);
  const PyRef pair = check(PySequence_Tuple(device.get()), doing);  // its first may be an enum
  int type = 0, id = 0;
  if (!PyArg_ParseTuple(pair.get(), "ii", &type, &id)) throw_python_error(doing);
  switch (type) {
    case dlpack::cpu:
    case dlpack::cuda_host:
    case dlpack::rocm_host: return "";
    case dlpack::cuda: return "CUDA device " + std::to_string(id);
    case dlpack::rocm: return "ROCm device " + std::to_string(id);
    default: return "DLPack's device (" + std::to_string(type) + ", " + std::to_string(id) + ")";
  }
}

Imported import_dlpack(PyObject* object, const std::string& doing) {
  PyRef capsule;
  try {
    capsule = capsule_of(object, doing);
  } catch (const PythonError& error) {
    throw DataError(doing + ": its __dlpack__ says: " + error.message());
  }
  Imported imported;
  if (PyCapsule_IsValid(capsule.get(), dlpack::VersionedTensor::name)) {
    const auto* managed = take_over<dlpack::VersionedTensor>(capsule, imported.owner, doing);
    if (managed->major != dlpack::major_version) {  // nothing but the deleter may be looked at
      throw DataError(doing + ": expected DLPack of version 1, found version " + std::to_string(managed->major));
    }
    imported.tensor = &managed->tensor;
    imported.read_only = (managed->flags & dlpack::flag_read_only) != 0;
  } else if (PyCapsule_IsValid(capsule.get(), dlpack::ManagedTensor::name)) {
    imported.tensor = &take_over<dlpack::ManagedTensor>(capsule, imported.owner, doing)->tensor;
    imported.read_only = true;  // it can't say; NumPy takes it so too
  } else {
    throw DataError(doing + ": expected a DLPack capsule of its __dlpack__, found " + Py_TYPE(capsule.get())->tp_name);
  }
  return imported;
}

std::string name_of(dlpack::DataType type) {
  std::string name;
  switch (type.code) {
    case dlpack::code_int: name = name_of('i', type.bits / 8u); break;
    case dlpack::code_uint: name = name_of('u', type.bits / 8u); break;
    case dlpack::code_float: name = name_of('f', type.bits / 8u); break;
    case dlpack::code_bool: name = name_of('b', type.bits / 8u); break;
    case dlpack::code_bfloat: name = "bfloat" + std::to_string(type.bits); break;
    case dlpack::code_complex: name = "complex" + std::to_string(type.bits); break;
    default: name = "DLPack's type " + std::to_string(type.code) + " of " + std::to_string(type.bits) + " bits"; break;
  }
  return type.lanes == 1 ? name : name + " x " + std::to_string(type.lanes);
}

}  // namespace ophion
