# ophion_add_plugin(NAME SOURCE.cpp…) builds the plug-in NAME ("x_method", "x_reader", "x_tool", "x_features") as one shared object. NAME.schema.json
# and NAME.py (the Python face), where they lie beside the first source, go where the plug-in goes. Ophion's own plug-ins and
# everybody else's use this.
function(ophion_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  if(name MATCHES "_features$")
    # Headers alone. Loops over columns are vectorised in every build but Debug, which changes no number: nobody reads errno or the
    # floating-point flags, and products and sums are not fused.
    target_link_libraries(${name} PRIVATE $<IF:$<TARGET_EXISTS:ophion_core>,ophion_core,ophion::core>)
    target_compile_options(${name} PRIVATE -ffp-contract=off -fno-math-errno -fno-trapping-math $<$<NOT:$<CONFIG:Debug>>:-O3>)
  else()
    # A plug-in sees the C++ headers of ophion::pymethods, never Python's; the library itself is opened before it, by its soname.
    target_link_libraries(${name} PRIVATE $<IF:$<TARGET_EXISTS:ophion_pymethods>,ophion_pymethods,ophion::pymethods>)
  endif()
  set_target_properties(${name} PROPERTIES PREFIX "" CXX_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
  list(GET ARGN 0 first)
  get_filename_component(folder ${first} DIRECTORY)
  foreach(companion ${name}.schema.json ${name}.py)
    set(file ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/${companion})
    if(EXISTS ${file})
      add_custom_command(TARGET ${name} POST_BUILD
        COMMAND ${CMAKE_COMMAND} -E copy_if_different ${file} $<TARGET_FILE_DIR:${name}>/${companion})
      set_property(TARGET ${name} APPEND PROPERTY LINK_DEPENDS ${file})
      set_property(TARGET ${name} APPEND PROPERTY OPHION_COMPANIONS ${file})
    endif()
  endforeach()
endfunction()
