"""What a fake model answers. The last user text decides, so that a test says what it wants in plain words.

    say TEXT                    answers TEXT
    call NAME {json}; call ...  calls tools, several separated by ";"
    think TEXT then say TEXT    reasons first
    say too long                is cut by the limit behind its text
    look                        says how many images it was shown and their types
"""

import json
import re


class Turn:
    """One logical answer: reasoning, text and tool calls, in this order."""

    def __init__(self, prompt, images):
        self.reasoning = ""
        self.text = ""
        self.calls = []
        # What a client adds for the model's information is not what the user wants.
        prompt = re.sub(r"^<system-reminder>.*?</system-reminder>\s*", "", prompt)
        if prompt.startswith("think "):
            self.reasoning, _, prompt = prompt[6:].partition(" then ")
        if prompt.startswith("call "):
            for part in prompt.split(";"):
                found = re.match(r"\s*call (\S+)\s*(\{.*\})?\s*$", part, re.S)
                self.calls.append((found.group(1), json.loads(found.group(2) or "{}")))
        elif prompt.startswith("say "):
            self.text = prompt[4:]
        elif prompt.startswith("look"):
            self.text = f"{len(images)} images: {', '.join(images)}"
        else:
            self.text = f"You said: {prompt}"
        self.limited = self.text == "too long"

    def pieces(self, text, size=4):
        return [text[start:start + size] for start in range(0, len(text), size)]

    def output_tokens(self):
        return max(1, (len(self.reasoning) + len(self.text)) // 4 + 8 * len(self.calls))
