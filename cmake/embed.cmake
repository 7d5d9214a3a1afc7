# Writes OUTPUT, a source file that defines the std::string_view of each "name;path" pair of PARTS; HEADER declares them.
set(text "#include \"${HEADER}\"\n\nnamespace endorm {\n")
while(PARTS)
  list(POP_FRONT PARTS name path)
  file(READ "${path}" bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "'\\\\x\\1'," bytes "${bytes}")
  string(APPEND text "static constexpr char k_${name}[] = {${bytes}'\\0'};\n"
                     "const std::string_view ${name}(k_${name}, sizeof k_${name} - 1);\n")
endwhile()
string(APPEND text "}  // namespace endorm\n")
file(WRITE "${OUTPUT}" "${text}")
