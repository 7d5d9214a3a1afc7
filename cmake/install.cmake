# What `cmake --install` leaves: the binary, the rooms as libraries with their public headers, llama.cpp beside them,
# and a package for find_package(endorm). The tree may be moved as a whole. `--component program` leaves the binary alone.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/endorm)
set(llama_dir ${CMAKE_INSTALL_LIBDIR}/endorm-llama)

if(ENDORM_CLI)
  install(TARGETS endorm RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
endif()
install(TARGETS endorm_core endorm_engine endorm_score endorm_judge endorm_grade endorm_eval endorm_report endorm_json endorm_httplib endorm_llama_common endorm_mtmd
  EXPORT endorm ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT endorm NAMESPACE endorm:: DESTINATION ${package_dir} FILE endorm-targets.cmake)

# A public header includes only public headers; tests/install holds it by compiling each on its own.
set(public_headers
  core/aggregate.h core/errors.h core/log_sum_exp.h core/random.h core/reward.h core/temperature.h core/token_stats.h
  engine/accelerator/accelerator_report.h engine/atomic_file.h engine/content_hash.h engine/engine.h
  engine/generator.h engine/hidden_states.h engine/image_header.h engine/llama/llama_engine.h engine/medium.h engine/messages.h engine/model_store.h
  engine/precision.h engine/remote/remote_dialects.h engine/remote/remote_engine.h engine/remote/remote_http.h
  engine/remote/remote_replies.h engine/remote/server_pool.h engine/tabular_engine.h engine/text_form.h
  engine/token_tree.h engine/tokenized_response.h engine/weights/tensor_type.h
  engine/weights/weight_file.h engine/weights/weight_writer.h
  score/endogenous_scorer.h score/manifest.h score/media_source.h score/merge_shards.h score/option.h score/ranking.h score/record.h score/record_input.h score/request_tokens.h score/result_log.h score/score_options.h score/score_run.h score/scored.h score/scored_json.h score/scorer.h score/stats_cache.h
  judge/chat_server_options.h judge/judge.h
  grade/extract.h grade/grade.h
  eval/bench_json.h eval/bench_report.h eval/benchmarks.h eval/example.h eval/judged.h eval/judging.h eval/judging_run.h
  eval/math_prompt.h eval/math_sampling.h eval/math_suites.h eval/graded_answers.h
  eval/metrics.h eval/shown.h eval/statistics.h eval/sweep.h
  report/bench_table.h report/data_table.h report/records_page.h report/result_file.h report/records_table.h report/text_table.h)
foreach(header IN LISTS public_headers)
  get_filename_component(room ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/endorm/${room})
endforeach()

# The JSON library whose values some of them name, at the version that the rooms were built with.
install(FILES ${ENDORM_LLAMA_SOURCE}/vendor/nlohmann/json.hpp ${ENDORM_LLAMA_SOURCE}/vendor/nlohmann/json_fwd.hpp
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/endorm/nlohmann)

install(DIRECTORY ${ENDORM_LLAMA_PREFIX}/lib ${ENDORM_LLAMA_PREFIX}/include DESTINATION ${llama_dir})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/third_party/README.md DESTINATION ${CMAKE_INSTALL_DOCDIR}
  COMPONENT program)

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/endorm-config.cmake.in ${PROJECT_BINARY_DIR}/endorm-config.cmake
  INSTALL_DESTINATION ${package_dir} PATH_VARS llama_dir NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/endorm-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/endorm-config.cmake ${PROJECT_BINARY_DIR}/endorm-config-version.cmake
  DESTINATION ${package_dir})
