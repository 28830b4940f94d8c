{
  "targets": [
    {
      "target_name": "selfgrad",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake",
          "inputs": ["CMakeLists.txt", "scripts/build.mjs"],
          "outputs": ["build/Release/selfgrad.node"],
          "action": ["node", "scripts/build.mjs", "--native"],
          "message": "Building with CMake"
        }
      ]
    }
  ]
}
