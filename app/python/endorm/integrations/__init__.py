"""Adapters to the libraries that ask for rewards. Importing endorm, or one of these, imports none of them, but for
lm_eval and lighteval, which their modules' classes derive from.

trl.EndoReward, verl.compute_score, openrlhf.make_reward_func, ms_swift.register, ray.EndoScorer,
ray.reward_deployment, lm_eval.EndoLM, lighteval.EndoLightevalModel
"""
